"""Which of many images are worth a search for a known trigger: a glance that triggers share.

Each image is shrunken once for all triggers of about one size, and what is around each place is
averaged once. What is left for each trigger is how its few coarse pixels fit the places around its
own, in all images at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from app.detection.geometry import Box
from app.detection.images import resized, shrunken
from app.detection.matching import LEAST_ALPHA, MOST_ALPHA, NOISE, RING, finest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.matching import Likeness
    from app.detection.search import Image

    Size = tuple[int, int]

SIDES: Final = (3, 5)  # pixels of a trigger's shorter side, in a first copy and in a second one
WORTH: Final = (0.2, 0.45)  # fits there, in its own size, below which it isn't searched for
MOST: Final = 4_000_000  # numbers that are laid side by side at once


def glanced(
    images: Sequence[Image], sought: Sequence[tuple[Likeness, Box]]
) -> Iterator[NDArray[np.int64]]:
    """Yield for each of what is *sought*, and in which area, which of *images* are worth a search.

    The images are all of one size (h, w, c).
    """
    if not sought:
        return
    least, everything = finest(images[0]), np.arange(len(images))
    steps = [_steps(least, what) for what, _ in sought]
    areas: dict[int, list[Box]] = {}
    for (_, area), (step, _) in zip(sought, steps, strict=True):
        areas.setdefault(step, []).append(area)
    shared = {step: _Glance(images, step, some) for step, some in areas.items() if step > least}
    for (what, area), (step, finer) in zip(sought, steps, strict=True):
        left = everything
        if step > least:
            left = np.flatnonzero(shared[step].worth(what, area, WORTH[0]))
        if len(left):
            parts = [images[i][area.rows, area.columns] for i in left.tolist()]
            alone = Box(0, 0, area.width, area.height)
            left = left[_Glance(parts, finer, [alone]).worth(what, alone, WORTH[1])]
        yield left


def _steps(least: int, what: Likeness) -> tuple[int, int]:
    """Return by how much the copies are shrunken in which *what* is looked for."""
    first, second = (max(least, min(what.weights.shape) // side) for side in SIDES)
    return first, second


class _Glance:
    """Copies of *images*, shrunken by *step*, of the part that has all of *areas*."""

    def __init__(self, images: Sequence[Image], step: int, areas: Sequence[Box]) -> None:
        cells = [_cells(area, step) for area in areas]
        self._top, self._left = min(c.y for c in cells), min(c.x for c in cells)
        bottom, right = max(c.y + c.height for c in cells), max(c.x + c.width for c in cells)
        rows = slice(self._top * step, bottom * step)
        columns = slice(self._left * step, right * step)
        self._step = step
        self._pixels = shrunken(np.stack([image[rows, columns] for image in images]), step)
        squares = np.einsum("nhwc,nhwc->nhw", self._pixels, self._pixels)
        self._copies = np.concatenate([self._pixels, squares[..., None]], axis=-1)
        self._rings: dict[Size, NDArray[np.float32]] = {}

    def worth(self, what: Likeness, area: Box, least: float) -> NDArray[np.bool_]:
        """Return in which images (n,) *what* fits in *area*, in its own size: by *least*."""
        height, width = what.weights.shape
        size = (max(1, height // self._step), max(1, width // self._step))
        cells = _cells(area, self._step)
        rows = slice(cells.y - self._top, cells.y + cells.height - self._top)
        columns = slice(cells.x - self._left, cells.x + cells.width - self._left)
        seen = self._copies[:, rows, columns]
        if size[0] > seen.shape[1] or size[1] > seen.shape[2]:
            return np.ones(len(seen), bool)  # the copies tell nothing
        places = (seen.shape[1] - size[0] + 1, seen.shape[2] - size[1] + 1)
        if size not in self._rings:
            self._rings[size] = _means_around(self._pixels, size)
        rings = self._rings[size][:, rows, columns][:, : places[0], : places[1]]
        kernel = _kernel(what, size)
        together = max(1, MOST // (places[0] * places[1] * len(kernel.parts)))
        starts = range(0, len(seen), together)
        return np.concatenate(
            [_worth(seen[i : i + together], rings[i : i + together], kernel, least) for i in starts]
        )


def _cells(area: Box, step: int) -> Box:
    """Return the whole pixels of a copy, shrunken by *step*, that have all of *area* in them."""
    x, y = area.x // step, area.y // step
    right, bottom = -(-(area.x + area.width) // step), -(-(area.y + area.height) // step)
    return Box(x, y, right - x, bottom - y)


@dataclass(frozen=True, eq=False)
class _Kernel:
    """``parts`` (window, 2 + c) sum the weighted squares, the trigger's pixels, each channel.

    ``count`` is the sum of the weights, ``total`` (c,) and ``squares`` those of its own pixels.
    """

    size: Size
    parts: NDArray[np.float32]
    count: float
    total: NDArray[np.float32]
    squares: float


@lru_cache(maxsize=4096)
def _kernel(what: Likeness, size: Size) -> _Kernel:
    pixels, weights = resized(what.pixels, *size), resized(what.weights[..., None], *size)
    channels = pixels.shape[2]
    parts = np.zeros((*size, channels + 1, 2 + channels), np.float32)
    parts[..., -1, 0] = weights[..., 0]
    parts[..., :-1, 1] = pixels * weights
    for channel in range(channels):
        parts[..., channel, 2 + channel] = weights[..., 0]
    return _Kernel(
        size,
        parts.reshape(-1, 2 + channels),
        max(float(weights.sum()), 1e-3),
        (pixels * weights).sum(axis=(0, 1)),
        float((pixels * pixels * weights).sum()),
    )


def _worth(
    seen: NDArray[np.float32], rings: NDArray[np.float32], kernel: _Kernel, least: float
) -> NDArray[np.bool_]:
    """Return in which images the trigger's pixels fit somewhere; the fit is `matching`'s."""
    channels = rings.shape[-1]
    windows = sliding_window_view(seen, kernel.size, (1, 2)).transpose(0, 1, 2, 4, 5, 3)
    sums = windows.reshape(-1, len(kernel.parts)) @ kernel.parts
    ring = rings.reshape(-1, channels)
    of_ring = np.einsum("pc,pc->p", ring, ring) * kernel.count
    of_inside = np.einsum("pc,pc->p", ring, sums[:, 2:])
    of_total = ring @ kernel.total
    spread = sums[:, 0] - 2 * of_inside + of_ring
    explained = sums[:, 1] - of_total - of_inside + of_ring
    own = np.maximum(kernel.squares - 2 * of_total + of_ring, 1e-3)
    alpha = np.clip(explained / own, LEAST_ALPHA, MOST_ALPHA)
    unexplained = spread - alpha * (2 * explained - alpha * own)
    most = (1 - least) * np.maximum(spread, kernel.count * channels * NOISE**2)
    fits = unexplained <= most
    found: NDArray[np.bool_] = fits.reshape(len(seen), -1).any(axis=1)
    return found


def _means_around(pixels: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Return the mean of the ring around each place of this *size* in *pixels* (n, h, w, c)."""
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    ones = np.ones(pixels.shape[1:3], np.float32)
    sums, counts = (_boxes(of, size, RING) - _boxes(of, size, 0) for of in (planes, ones))
    means = sums / np.maximum(counts, 1)
    return np.ascontiguousarray(means.transpose(0, 2, 3, 1), np.float32)


def _boxes(planes: NDArray[np.float32], size: Size, margin: int) -> NDArray[np.float32]:
    """Return the sums of *planes* (…, h, w) over all boxes, each larger by *margin* a side."""
    tall, wide = size
    down, across = _bands(planes.shape[-2], tall, margin), _bands(planes.shape[-1], wide, margin)
    return np.asarray(down @ planes @ across.T, np.float32)


@lru_cache(maxsize=64)
def _bands(length: int, side: int, margin: int) -> NDArray[np.float32]:
    """Return which pixels of a *length* (places, length) each place has, with its *margin*."""
    place, pixel = np.arange(length - side + 1)[:, None], np.arange(length)
    inside = (pixel >= place - margin) & (pixel < place + side + margin)
    return inside.astype(np.float32)
