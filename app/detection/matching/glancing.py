"""Which of many images are worth a search for a known trigger: a glance that triggers share.

Each image is shrunken once for all triggers of about one size, and what is around each place is
averaged once. What is left for each trigger is how its few coarse pixels fit the places around its
own, in all images at once. What they are depends on where in a coarse pixel it begins: so there are
some for the beginning and some for the middle, down and across, and the best fit counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from app.detection.geometry import Box
from app.detection.images import resized, shrunken
from app.detection.matching import NOISE, RING, clipped, finest, fit_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.matching import Likeness
    from app.detection.search import Image

    Size = tuple[int, int]

SIDES: Final = (3, 5)  # pixels of a trigger's shorter side, in a first copy and in a second one
WORTH: Final = 0.45  # fit in the first copy, in its own size, below which it isn't searched for
HINT: Final = 0.5  # the same in the second one
HALF: Final = 0.5  # of what sets its pixels apart, that a copy has of a trigger that isn't noise
ALONE: Final = 2**15  # numbers of a part of an image, from which on it is shrunken by itself
MOST: Final = 500_000  # numbers that are laid side by side at once: 2 MB stay near the processor


@dataclass(frozen=True, eq=False)
class Hints:
    """Which images are worth a search, ``left`` (k,), and where: the upper left ``corners`` (k, 2).

    These are rows and columns of the image, of the place where the trigger fits best: to ``fits``.
    """

    left: NDArray[np.int64]
    corners: NDArray[np.int64]
    fits: NDArray[np.float32]

    def __getitem__(self, which: NDArray[np.bool_]) -> Hints:
        return Hints(self.left[which], self.corners[which], self.fits[which])


def glanced(images: Sequence[Image], sought: Sequence[tuple[Likeness, Box]]) -> Iterator[Hints]:
    """Yield for each of what is *sought*, and in which area, which of *images* are worth a search.

    The images are all of one size (h, w, c).
    """
    if not sought:
        return
    least, everything = finest(images[0]), np.arange(len(images))
    steps = [[step_of(what, side, least) for side in SIDES] for what, _ in sought]
    areas: dict[int, list[Box]] = {}
    for (_, area), (step, _) in zip(sought, steps, strict=True):
        areas.setdefault(step, []).append(area)
    shared = {step: Copies(images, step, some) for step, some in areas.items() if step > least}
    for (what, area), (step, finer) in zip(sought, steps, strict=True):
        left = everything
        if step > least:
            left = np.flatnonzero(shared[step].fits(what, area)[0] >= WORTH)
        found = looked(images, left, what, [area] * len(left), finer)
        yield found[found.fits >= HINT]


def step_of(what: Likeness, side: int, least: int) -> int:
    """Return by how much to shrink, so that *what* has so many whole pixels wherever it begins."""
    return max(least, int(min(what.weights.shape) / (side + 0.5)))


def looked(
    images: Sequence[Image],
    left: NDArray[np.int64],
    what: Likeness,
    areas: Sequence[Box],
    step: int,
) -> Hints:
    """Return how *images*, those *left*, show it, each in its area, shrunken by *step*."""
    if not len(left):
        return Hints(left, np.zeros((0, 2), np.int64), np.zeros(0, np.float32))
    first = areas[0]
    parts = [images[i][area.rows, area.columns] for i, area in zip(left, areas, strict=True)]
    alone = Box(0, 0, first.width, first.height)
    fits, corners = Copies(parts, step, [alone]).fits(what, alone)
    corners += [(area.y, area.x) for area in areas]
    return Hints(left, corners, fits)


@lru_cache(maxsize=4096)
def is_fine(what: Likeness, step: int) -> bool:
    """Say if copies shrunken by *step* have less than half of what sets its pixels apart: noise."""
    kernel = _kernel(what, step)
    own = what.pixels * what.weights[..., None]
    whole = _spread((own * what.pixels).sum(), own.sum(axis=(0, 1)), what.weights.sum())
    coarse = _spread(kernel.squares[0, 0], kernel.total[0], kernel.count[0, 0])
    return bool(coarse < HALF * whole)


def _spread(squares: float, total: NDArray[np.float32], count: float) -> float:
    """Return the variance of weighted pixels, by their sums; at least that of one colour."""
    return float((squares - (total * total).sum() / count) / count) + len(total) * NOISE**2


class Copies:
    """Copies of *images*, shrunken by *step*, of the part that has all of *areas*."""

    def __init__(self, images: Sequence[Image], step: int, areas: Sequence[Box]) -> None:
        cells = [_cells(area, step) for area in areas]
        self._top, self._left = min(c.y for c in cells), min(c.x for c in cells)
        bottom, right = max(c.y + c.height for c in cells), max(c.x + c.width for c in cells)
        rows = slice(self._top * step, bottom * step)
        columns = slice(self._left * step, right * step)
        self._step = step
        parts = [image[rows, columns] for image in images]
        if parts[0].size > ALONE:  # beside each other they would go through memory twice
            seen = np.concatenate([shrunken(part[None], step) for part in parts])
        else:
            seen = shrunken(np.stack(parts), step)
        n, tall, wide, channels = seen.shape
        # Channels, and the sum of their squares, (c + 1, h, w, n): the images beside each other.
        self._planes = np.empty((channels + 1, tall, wide, n), np.float32)
        self._planes[:-1] = seen.transpose(3, 1, 2, 0)
        np.einsum("chwn,chwn->hwn", self._planes[:-1], self._planes[:-1], out=self._planes[-1])
        self._around: dict[Size, NDArray[np.float32]] = {}

    def fits(self, what: Likeness, area: Box) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return how well *what* fits in *area* of each image (n,), in its own size, and where.

        The corners (n, 2) are rows and columns of the images. Where copies tell nothing it fits.
        """
        kernel = _kernel(what, self._step)
        size, cells = kernel.size, _cells(area, self._step)
        top, left = cells.y - self._top, cells.x - self._left
        seen = self._planes[:, top : top + cells.height, left : left + cells.width]
        tall, wide = seen.shape[1] - size[0] + 1, seen.shape[2] - size[1] + 1
        n = seen.shape[-1]
        if min(tall, wide) < 1:
            return np.ones(n, np.float32), np.zeros((n, 2), np.int64)
        around = self._measured(size)[:, top : top + tall, left : left + wide]
        fits_of = _fits if kernel.whole is None else _fits_whole
        together = max(1, MOST // (tall * wide * kernel.parts.shape[1]))
        parts = [slice(start, start + together) for start in range(0, n, together)]
        fits = [fits_of(seen[..., part], around[..., part], kernel) for part in parts]
        best = np.concatenate([one.argmax(axis=0) for one in fits])
        begin, place = np.divmod(best, tall * wide)
        corners = np.stack([cells.y + place // wide, cells.x + place % wide], axis=1) * self._step
        corners = np.maximum(corners - kernel.begins[begin], 0)
        return np.concatenate([one.max(axis=0) for one in fits]), corners

    def _measured(self, size: Size) -> NDArray[np.float32]:
        """Return what each place of this *size* has by itself: (c + 4, rows, columns, n).

        The mean of the ring around it; its square for all pixels, and less the ring times what is
        inside; what is left of the noise, or nothing, and one through the spread or the noise.
        """
        if size not in self._around:
            planes, count = self._planes, np.float32(size[0] * size[1])
            ones = np.ones((1, *planes.shape[1:3], 1), np.float32)
            inside, box = _boxes(planes, size, 0), _boxes(ones, size, 0)
            ring = _boxes(planes[:-1], size, RING) - inside[:-1]
            ring /= np.maximum(_boxes(ones, size, RING) - box, 1)
            of_ring = np.einsum("chwn,chwn->hwn", ring, ring) * count
            of_inside = np.einsum("chwn,chwn->hwn", ring, inside[:-1])
            spread = inside[-1] - 2 * of_inside + of_ring
            most = np.maximum(spread, count * len(ring) * NOISE**2)
            own = [of_ring, of_ring - of_inside, most - spread, 1 / most]
            self._around[size] = np.concatenate([ring, np.stack(own)])
        return self._around[size]


def _cells(area: Box, step: int) -> Box:
    """Return the whole pixels of a copy, shrunken by *step*, that have all of *area* in them."""
    x, y = area.x // step, area.y // step
    right, bottom = -(-(area.x + area.width) // step), -(-(area.y + area.height) // step)
    return Box(x, y, right - x, bottom - y)


@dataclass(frozen=True, eq=False)
class _Kernel:
    """A likeness in coarse pixels, of ``size``, from each of its k ``begins`` (k, 2).

    Its weights are u = 1 where they are the same from each, else u = k. ``parts``
    (k + u + u times c, window) sum the trigger's pixels, the squares, each channel. ``count``
    (u, 1) are sums of the weights, ``total`` (k, c) and ``squares`` (k, 1) of its own pixels.
    ``whole`` (2 k, c times window + c + 3) is what `_fits_whole` takes, if all weights are 1.
    """

    size: Size
    begins: NDArray[np.int64]
    parts: NDArray[np.float32]
    count: NDArray[np.float32]
    total: NDArray[np.float32]
    squares: NDArray[np.float32]
    whole: NDArray[np.float32] | None


@lru_cache(maxsize=4096)
def _kernel(what: Likeness, step: int) -> _Kernel:
    height, width, channels = what.pixels.shape
    down, across = _begins(height, step), _begins(width, step)
    size = (max(1, (height - down[-1]) // step), max(1, (width - across[-1]) // step))
    begins = np.array([(y, x) for y in down for x in across])
    both = np.concatenate([what.pixels * what.weights[..., None], what.weights[..., None]], axis=2)
    coarse = np.stack([_coarse(both[y:, x:], size, step) for y, x in begins.tolist()])
    own, weights = coarse[..., :-1], coarse[..., -1]
    pixels = own / np.maximum(weights, 1e-6)[..., None]
    some = weights[:1] if (weights == weights[0]).all() else weights
    of_own = np.zeros((len(begins), *size, channels + 1), np.float32)
    of_own[..., :-1] = own
    of_squares = np.zeros((len(some), *size, channels + 1), np.float32)
    of_squares[..., -1] = some
    of_inside = np.zeros((len(some), channels, *size, channels + 1), np.float32)
    for channel in range(channels):
        of_inside[:, channel, ..., channel] = some
    window = of_own[0].size
    total, squares = own.sum(axis=(1, 2)), (own * pixels).sum(axis=(1, 2, 3))[:, None]
    return _Kernel(
        size,
        begins,
        np.concatenate([one.reshape(-1, window) for one in (of_own, of_squares, of_inside)]),
        np.maximum(some.sum(axis=(1, 2)), 1e-3)[:, None],
        total,
        squares,
        _whole(own, total, squares) if (weights == 1).all() else None,
    )


def _whole(
    own: NDArray[np.float32], total: NDArray[np.float32], squares: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what gives the sums of `fit_of` by windows, their rings, and two sums over these."""
    k = len(own)
    nothing, one = np.zeros((k, 1), np.float32), np.ones((k, 1), np.float32)
    windows = own.reshape(k, -1)
    explained = np.concatenate([windows, -total, nothing, one, nothing], axis=1)
    of_own = np.concatenate([np.zeros_like(windows), -2 * total, one, nothing, squares], axis=1)
    return np.concatenate([explained, of_own])


def _begins(length: int, step: int) -> tuple[int, ...]:
    """Return where in a *length* of pixels the whole coarse ones may begin."""
    half = step // 2
    return (0, half) if half and length - half >= step else (0,)


def _coarse(pixels: NDArray[np.float32], size: Size, step: int) -> NDArray[np.float32]:
    """Average *pixels* (h, w, c) over squares of *step*: so many as *size* has."""
    height, width, channels = pixels.shape
    tall, wide = size[0] * step, size[1] * step
    if height < tall or width < wide:
        return resized(pixels, *size)
    squares = pixels[:tall, :wide].reshape(size[0], step, size[1], step, channels)
    averaged: NDArray[np.float32] = squares.mean(axis=(1, 3))
    return averaged


def _fits_whole(
    seen: NDArray[np.float32], around: NDArray[np.float32], kernel: _Kernel
) -> NDArray[np.float32]:
    """Return the same as `_fits` of what has all of its window: most is known of each place."""
    channels, (height, width) = len(seen) - 1, kernel.size
    _, tall, wide, n = around.shape
    assert kernel.whole is not None  # noqa: S101  # as `Copies.fits` asks
    laid = np.empty((kernel.whole.shape[1], tall, wide, n), np.float32)
    at = 0
    for y in range(height):
        for x in range(width):
            laid[at : at + channels] = seen[:-1, y : y + tall, x : x + wide]
            at += channels
    laid[at:-1] = around[:-2]
    laid[-1] = 1
    explained, own = np.split(kernel.whole @ laid.reshape(len(laid), -1), 2)
    lacking, part = around[-2:].reshape(2, -1)
    np.maximum(own, 1e-3, out=own)
    alpha = clipped(explained / own)
    own *= alpha
    explained *= 2
    explained -= own
    explained *= alpha
    explained += lacking
    explained *= part
    fits: NDArray[np.float32] = np.maximum(explained, 0, out=explained).reshape(-1, n)
    return fits


def _fits(
    seen: NDArray[np.float32], around: NDArray[np.float32], kernel: _Kernel
) -> NDArray[np.float32]:
    """Return how well the trigger fits, by where it begins, at each place: (k times places, n)."""
    rings = around[:-4]
    channels, *_, n = rings.shape
    windows = sliding_window_view(seen, kernel.size, (1, 2)).transpose(4, 5, 0, 1, 2, 3)
    sums = kernel.parts @ windows.reshape(kernel.parts.shape[1], -1)
    together, squares, inside = np.split(sums, [len(kernel.total), -len(kernel.count) * channels])
    ring = rings.reshape(channels, -1)
    of_ring = np.einsum("cp,cp->p", ring, ring) * kernel.count
    of_inside = np.einsum("cp,ucp->up", ring, inside.reshape(len(kernel.count), channels, -1))
    of_total = kernel.total @ ring
    spread = squares - 2 * of_inside + of_ring
    explained = together - of_total - of_inside + of_ring
    own = kernel.squares - 2 * of_total + of_ring
    fits, _ = fit_of(spread, explained, own, kernel.count * channels * NOISE**2)
    return fits.reshape(-1, n)


def _boxes(planes: NDArray[np.float32], size: Size, margin: int) -> NDArray[np.float32]:
    """Return the sums of *planes* (c, h, w, n) over all boxes, each larger by *margin* a side."""
    channels, height, width, n = planes.shape
    down, across = _bands(height, size[0], margin), _bands(width, size[1], margin)
    strips = (down @ planes.reshape(channels, height, -1)).reshape(channels, -1, width, n)
    sums: NDArray[np.float32] = across @ strips
    return sums


@lru_cache(maxsize=64)
def _bands(length: int, side: int, margin: int) -> NDArray[np.float32]:
    """Return which pixels of a *length* (places, length) each place has, with its *margin*."""
    place, pixel = np.arange(length - side + 1)[:, None], np.arange(length)
    inside = (pixel >= place - margin) & (pixel < place + side + margin)
    return inside.astype(np.float32)
