"""A likeness in several sizes, as what an image is multiplied with to see where it fits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
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
    ``weights`` are (window, sizes), ``own`` (channels, window, sizes) these times the pixels.
    ``count`` are sums of the weights, ``total`` (channels, 1, 1, sizes) and ``squares`` of the
    pixels. Where it ``is_whole`` all weights in a size's own box are 1.
    """

    sizes: tuple[Size, ...]
    heights: tuple[int, ...]
    widths: tuple[int, ...]
    areas: NDArray[np.float32]
    window: Size
    own: NDArray[np.float32]
    weights: NDArray[np.float32]
    count: NDArray[np.float32]
    total: NDArray[np.float32]
    squares: NDArray[np.float32]
    is_whole: bool

    @cached_property
    def kernels(self) -> NDArray[np.float32]:
        """The ring, the weights, and ``own`` beside each other: (channels, window, 3 sizes)."""
        ring = np.zeros((*self.window, len(self.sizes)), np.float32)
        for i, (height, width) in enumerate(self.sizes):
            ring[: height + 2 * RING, : width + 2 * RING, i] = 1
            ring[RING : RING + height, RING : RING + width, i] = 0
        both = np.concatenate([ring.reshape(self.weights.shape), self.weights], axis=1)
        for_all = np.broadcast_to(both, (len(self.own), *both.shape))
        return np.concatenate([for_all, self.own], axis=2)


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
    weights = np.zeros((tall, wide, many), np.float32)
    own = np.zeros((channels, tall, wide, many), np.float32)
    total = np.empty((channels, 1, 1, many), np.float32)
    squares = np.empty(many, np.float32)
    for i, (height, width) in enumerate(sizes):
        planes = resized(both, height, width).transpose(2, 0, 1)
        there = (slice(RING, RING + height), slice(RING, RING + width), i)
        weights[there] = planes[-1]
        pixels = planes[:-1] * planes[-1]
        own[:, *there] = pixels
        total[:, 0, 0, i] = pixels.sum(axis=(1, 2))
        squares[i] = (pixels * planes[:-1]).sum()
    return Bank(
        sizes,
        heights,
        widths,
        np.array(heights, np.float32) * np.array(widths, np.float32),
        (tall, wide),
        own.reshape(channels, -1, many),
        weights.reshape(-1, many),
        np.maximum(weights.sum(axis=(0, 1)), 1e-3),
        total,
        squares,
        bool((what.weights == 1).all()),
    )
