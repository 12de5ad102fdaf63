"""A likeness in several sizes, as what an image is multiplied with to see where it fits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from app.detection.images import resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.matching.likeness import Likeness

Size: TypeAlias = "tuple[int, int]"
"""Height and width."""

RING = 2  # pixels around a place that are its surroundings


@dataclass(frozen=True, eq=False)
class Bank:
    """One likeness in several ``sizes``, each in the upper left corner of a window.

    ``heights`` and ``widths`` are those of the sizes, and ``areas`` (sizes,) their products.
    ``weights`` are (window, sizes); ``kernels`` (channels, window, 3 times sizes) are the ring, the
    weights, and these times the pixels, beside each other. ``count`` are sums of the weights,
    ``total`` (channels, 1, 1, sizes) and ``squares`` of the pixels.
    """

    sizes: tuple[Size, ...]
    heights: tuple[int, ...]
    widths: tuple[int, ...]
    areas: NDArray[np.float32]
    window: Size
    kernels: NDArray[np.float32]
    weights: NDArray[np.float32]
    count: NDArray[np.float32]
    total: NDArray[np.float32]
    squares: NDArray[np.float32]


@lru_cache(maxsize=256)
def bank(what: Likeness, sizes: tuple[Size, ...]) -> Bank:
    """Make the bank once: an entry of the library seldom changes."""
    return _made(what, sizes)


@lru_cache(maxsize=16)
def finer_bank(what: Likeness, sizes: tuple[Size, ...]) -> Bank:
    """Make one of sizes around what was found: there are many, of up to 1 MB each."""
    return _made(what, sizes)


def _made(what: Likeness, sizes: tuple[Size, ...]) -> Bank:
    heights, widths = zip(*sizes, strict=True)
    tall, wide = max(heights) + 2 * RING, max(widths) + 2 * RING
    channels, many = what.pixels.shape[2], len(sizes)
    both = np.concatenate([what.pixels, what.weights[..., None]], axis=2)
    kernels = np.zeros((3, many, channels, tall, wide), np.float32)
    ring, inside, trigger = kernels
    total = np.empty((channels, 1, 1, many), np.float32)
    squares = np.empty(many, np.float32)
    for i, (height, width) in enumerate(sizes):
        planes = resized(both, height, width).transpose(2, 0, 1)
        pixels, weights = planes[:-1], planes[-1]
        there = (slice(None), slice(RING, RING + height), slice(RING, RING + width))
        ring[i, :, : height + 2 * RING, : width + 2 * RING] = 1
        ring[i][there] = 0
        inside[i][there] = weights
        own = np.multiply(pixels, weights, out=trigger[i][there])
        total[:, 0, 0, i] = own.sum(axis=(1, 2))
        squares[i] = (own * pixels).sum()
    weights = inside[:, 0].reshape(many, -1)
    return Bank(
        sizes,
        heights,
        widths,
        np.array(heights, np.float32) * np.array(widths, np.float32),
        (tall, wide),
        np.ascontiguousarray(kernels.reshape(3 * many, channels, -1).transpose(1, 2, 0)),
        np.ascontiguousarray(weights.T),
        np.maximum(weights.sum(axis=1), 1e-3),
        total,
        squares,
    )
