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
    channels = what.pixels.shape[2]
    trigger = np.zeros((channels, len(sizes), tall, wide), np.float32)
    weights = np.zeros((len(sizes), tall, wide), np.float32)
    ring = np.zeros((len(sizes), tall, wide), np.float32)
    kernels = np.empty((channels, 3, len(sizes), tall, wide), np.float32)
    total = np.zeros((channels, 1, 1, len(sizes)), np.float32)
    squares = np.zeros(len(sizes), np.float32)
    for i, (height, width) in enumerate(sizes):
        pixels = resized(what.pixels, height, width)
        weight = resized(what.weights[..., None], height, width)
        inside = (slice(RING, RING + height), slice(RING, RING + width))
        trigger[:, i, *inside] = (pixels * weight).transpose(2, 0, 1)
        weights[i, *inside] = weight[..., 0]
        ring[i, : height + 2 * RING, : width + 2 * RING] = 1
        ring[i, *inside] = 0
        total[:, 0, 0, i] = (pixels * weight).sum(axis=(0, 1))
        squares[i] = (pixels * pixels * weight).sum()
    kernels[:, 0], kernels[:, 1], kernels[:, 2] = ring, weights, trigger
    return Bank(
        sizes,
        heights,
        widths,
        np.array(heights, np.float32) * np.array(widths, np.float32),
        (tall, wide),
        np.ascontiguousarray(kernels.reshape(channels, 3 * len(sizes), -1).swapaxes(1, 2)),
        np.ascontiguousarray(weights.reshape(len(sizes), -1).T),
        np.maximum(weights.sum(axis=(1, 2)), 1e-3),
        total,
        squares,
    )
