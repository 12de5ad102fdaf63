"""Where a trigger's pixels lie in an image, and how well they fit there; it costs no probe.

What a sticker leaves in an image is out = (1 − a) · around + a · trigger: ``around`` is taken to be
the mean of a ring around the place, and the alpha ``a`` (or a gain, or an offset) is the one that
fits best. The *fit* is the share of what sets the place apart from its surroundings that the
trigger explains then: 1 is all of it, clean images mostly have 0 to 0.4 at their best place.

Coarse to fine: every place and size in a shrunken copy, then the best ones in the image itself.
All places and sizes of one step are a few matrix products.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.images import resized, shrunken

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger

    Size = tuple[int, int]
    """Height and width."""

RING = 2  # pixels around a place that are its surroundings
SIZES = (0.61, 0.72, 0.85, 1.0, 1.18, 1.39, 1.64)  # of the stored height, and of the width
LARGER = 1.36  # or smaller, as a whole; beyond that only stretched: photos are made to fit a square
FINER = (0.93, 1.0, 1.08)  # of what fitted best, in the image itself
LEAST_ALPHA, MOST_ALPHA = 0.2, 1.25  # below it hardly anything is left of a trigger
NOISE = 4.0  # levels a pixel: a place that differs less from its surroundings shows nothing
COARSE_SIDE = 5  # pixels of a trigger's shorter side in the shrunken copy
GLIMPSED_SIDE = 3  # the same for a glimpse
LONGEST_SIDE = 256  # of an image that is compared as it is; a larger one is shrunken to that
PLACES = 4  # of the shrunken copy that are looked at in the image itself
LEVELS = 24  # that a pixel may differ from the stored one: JPEG and resizing move it that far
HALF = 0.5  # weight from which on a pixel that was resized is the trigger's
COPY = 0.75  # of the best fit, that a further place must have to be taken for a copy


@dataclass(frozen=True)
class Match:
    """A place whose pixels the trigger explains: to the share ``fit``, with this ``alpha``."""

    box: Box
    fit: float
    alpha: float


@dataclass(frozen=True, eq=False)
class Likeness:
    """What is looked for: ``pixels`` (h, w, c) float32, and the ``weights`` (h, w) of each."""

    pixels: NDArray[np.float32]
    weights: NDArray[np.float32]


@lru_cache(maxsize=512)
def likeness(trigger: Trigger) -> Likeness:
    """Return what *trigger* looks like: its own pixels, or all of its box without a mask.

    The same for the same trigger, since what is usual of it is kept by that.
    """
    weights = np.ones(trigger.patch.shape[:2], np.float32)
    if trigger.mask is not None and trigger.mask.any():
        weights = trigger.mask.astype(np.float32)
    return Likeness(trigger.patch.astype(np.float32), weights)


def matches(image: Image, what: Likeness, area: Box, *, copies: bool = True) -> list[Match]:
    """Return where in *area* of *image* (h, w, c) it fits best, and where *copies* of it do.

    Best first, and none overlaps another. Empty where *area* is too small for it.
    """
    size = what.weights.shape
    least = finest(image)
    step = max(least, min(size) // COARSE_SIDE)
    most = PLACES
    if not copies and step == least:  # what isn't shrunken tells at once which place is the best
        area, most = _near_own_size(image, what, area), 1
    found = _places(image, what, area, step, _sizes(size, SIZES), most=most)
    found = [_refined(image, what, area, one, (step, least)) for one in found]
    apart: list[Match] = []
    for one in sorted(found, key=lambda one: -one.fit):
        alike = not apart or one.fit >= COPY * apart[0].fit
        if alike and not any(one.box.overlap(other.box) > 0 for other in apart):
            apart.append(one)
    return apart


def glimpse(image: Image, what: Likeness, area: Box) -> float:
    """Return about how well it fits in *area*, by a shrunken copy alone: a tenth of the time."""
    size = what.weights.shape
    step = max(finest(image), min(size) // GLIMPSED_SIDE)
    found = _places(image, what, area, step, _sizes(size, SIZES), most=1)
    return found[0].fit if found else 0.0


def spotted(image: Image, what: Likeness, area: Box) -> Match | None:
    """Return about where in *area* it fits best in its own size, by a shrunken copy alone."""
    height, width = what.weights.shape
    step = max(finest(image), min(height, width) // GLIMPSED_SIDE)
    found = _places(image, what, area, step, ((height, width),), most=1)
    return found[0] if found else None


def hint(image: Image, what: Likeness, area: Box) -> float:
    """Return how well it fits in *area* in its own size alone: a fraction of a search's time."""
    best = _in_own_size(image, what, area)
    return 0.0 if best is None else best.fit


def hints(
    parts: Images, what: Likeness, step: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return about how well it fits in each of *parts* of images (n,), in its own size alone.

    And where it does best: the upper left corners (n, 2), rows first. By copies shrunken by *step*,
    all at once: a small part of a glimpse's time.
    """
    height, width = what.weights.shape
    seen = shrunken(parts, step)
    size = (max(1, height // step), max(1, width // step))
    if size[0] > seen.shape[1] or size[1] > seen.shape[2]:
        return np.zeros(len(parts), np.float32), np.zeros((len(parts), 2), np.int64)
    fits, _ = _fits(seen, _hint_bank(what, size))
    flat = fits.reshape(len(parts), -1)
    best = flat.argmax(axis=1)
    corners = np.stack(np.divmod(best, fits.shape[2]), axis=1) * step
    return np.take_along_axis(flat, best[:, None], axis=1)[:, 0], corners


def match_at(image: Image, what: Likeness, box: Box) -> Match:
    """Return how well it fits just at *box*, which has its size."""
    height, width = image.shape[:2]
    around = box.grown(RING, width, height)
    seen = image[around.rows, around.columns].astype(np.float32)
    fits, alphas = _fits(seen, _bank(what, ((box.height, box.width),)))
    here = (box.y - around.y, box.x - around.x, 0)
    return Match(box, float(fits[here]), float(alphas[here]))


def nearness(image: Image, what: Likeness, box: Box) -> float:
    """Return which share of its pixels *image* shows in *box* just as they are, within LEVELS."""
    pixels = resized(what.pixels, box.height, box.width)
    own = resized(what.weights[..., None], box.height, box.width)[..., 0] >= HALF
    off = np.abs(image[box.rows, box.columns] - pixels).max(axis=2)[own]
    return float((off <= LEVELS).mean()) if off.size else 0.0


def finest(image: Image) -> int:
    """Return by how much an image of this size is shrunken at least."""
    height, width, _ = image.shape
    return max(1, math.ceil(max(int(height), int(width)) / LONGEST_SIDE))


def _near_own_size(image: Image, what: Likeness, area: Box) -> Box:
    """Return the part of *area* around the place where it fits best in its own size."""
    height, width = image.shape[:2]
    best = _in_own_size(image, what, area)
    margin = max(what.weights.shape) // 2 + RING
    return area if best is None else _common(best.box.grown(margin, width, height), area)


def _in_own_size(image: Image, what: Likeness, area: Box) -> Match | None:
    """Return where in *area* it fits best in its own size; None where that is too small."""
    height, width = what.weights.shape
    found = _places(image, what, area, finest(image), ((height, width),), most=1)
    return found[0] if found else None


def _refined(
    image: Image, what: Likeness, area: Box, found: Match, reaches: tuple[int, int]
) -> Match:
    """Return the best match near *found*, first within the one reach, then within the other."""
    height, width = image.shape[:2]
    for reach in dict.fromkeys(reaches):
        margin = reach + max(found.box.height, found.box.width) // 10
        near = _common(found.box.grown(margin, width, height), area)
        sizes = _sizes((found.box.height, found.box.width), FINER)
        better = _places(image, what, near, reaches[-1], sizes, most=1, banks=_finer_bank)
        found = max([found, *better], key=lambda one: one.fit if one is not found else -1.0)
    return found


def _common(a: Box, b: Box) -> Box:
    x, y = max(a.x, b.x), max(a.y, b.y)
    right, bottom = min(a.x + a.width, b.x + b.width), min(a.y + a.height, b.y + b.height)
    return Box(x, y, right - x, bottom - y)


@lru_cache(maxsize=512)
def _sizes(size: Size, shares: tuple[float, ...]) -> tuple[Size, ...]:
    """Return sizes around *size*, each once."""
    height, width = size
    return tuple(
        dict.fromkeys(
            (max(1, round(height * tall)), max(1, round(width * wide)))
            for tall in shares
            for wide in shares
            if 1 / LARGER <= math.sqrt(tall * wide) <= LARGER
        )
    )


def _places(  # noqa: PLR0913  # where, for what, how finely, in which sizes, how many
    image: Image,
    what: Likeness,
    area: Box,
    step: int,
    sizes: tuple[Size, ...],
    *,
    most: int = PLACES,
    banks: Callable[[Likeness, tuple[Size, ...]], _Bank] | None = None,
) -> list[Match]:
    """Return the best places in *area*, in a copy shrunken by *step*, each with its best size."""
    seen = shrunken(image[None, area.rows, area.columns], step)[0]
    coarse = {size: (max(1, size[0] // step), max(1, size[1] // step)) for size in sizes}
    fitting = [  # in the area itself, too: its last pixels may be a whole one of the copy
        s
        for s in sizes
        if s[0] <= area.height
        and s[1] <= area.width
        and coarse[s][0] <= seen.shape[0]
        and coarse[s][1] <= seen.shape[1]
    ]
    if not fitting:
        return []
    bank = (banks or _bank)(what, tuple(coarse[size] for size in fitting))
    fits, alphas = _fits(seen, bank)
    best = fits.max(axis=2)
    found: list[Match] = []
    while len(found) < most and np.isfinite(best.max()):
        row, column = (int(i) for i in np.unravel_index(best.argmax(), best.shape))
        i = int(fits[row, column].argmax())
        height, width = fitting[i]
        x = min(area.x + column * step, area.x + area.width - width)
        y = min(area.y + row * step, area.y + area.height - height)
        here = (row, column, i)
        found.append(Match(Box(x, y, width, height), float(fits[here]), float(alphas[here])))
        tall, wide = bank.sizes[i]
        best[
            max(row - tall + 1, 0) : row + tall, max(column - wide + 1, 0) : column + wide
        ] = -np.inf
    return found


@dataclass(frozen=True, eq=False)
class _Bank:
    """One likeness in several ``sizes``, each in the upper left corner of a window.

    ``sides`` (2, sizes) are the same. ``weights`` are (window, sizes); ``kernels`` (channels,
    window, 3 times sizes) are the ring, the weights, and these times the pixels, beside each other.
    ``count`` are sums of the weights, ``total`` (sizes, channels) and ``squares`` of the pixels.
    """

    sizes: tuple[Size, ...]
    sides: NDArray[np.float32]
    window: Size
    kernels: NDArray[np.float32]
    weights: NDArray[np.float32]
    count: NDArray[np.float32]
    total: NDArray[np.float32]
    squares: NDArray[np.float32]


@lru_cache(maxsize=256)
def _bank(what: Likeness, sizes: tuple[Size, ...]) -> _Bank:
    """Make the bank once: an entry of the library seldom changes."""
    return _made(what, sizes)


@lru_cache(maxsize=4096)
def _hint_bank(what: Likeness, size: Size) -> _Bank:
    """Make one of a single size: a scan has three of each trigger, of some KB."""
    return _made(what, (size,))


@lru_cache(maxsize=16)
def _finer_bank(what: Likeness, sizes: tuple[Size, ...]) -> _Bank:
    """Make one of sizes around what was found: there are many, of up to 1 MB each."""
    return _made(what, sizes)


def _made(what: Likeness, sizes: tuple[Size, ...]) -> _Bank:
    tall = max(height for height, _ in sizes) + 2 * RING
    wide = max(width for _, width in sizes) + 2 * RING
    channels = what.pixels.shape[2]
    trigger = np.zeros((channels, len(sizes), tall, wide), np.float32)
    weights = np.zeros((len(sizes), tall, wide), np.float32)
    ring = np.zeros((len(sizes), tall, wide), np.float32)
    kernels = np.empty((channels, 3, len(sizes), tall, wide), np.float32)
    total = np.zeros((len(sizes), channels), np.float32)
    squares = np.zeros(len(sizes), np.float32)
    for i, (height, width) in enumerate(sizes):
        pixels = resized(what.pixels, height, width)
        weight = resized(what.weights[..., None], height, width)
        inside = (slice(RING, RING + height), slice(RING, RING + width))
        trigger[:, i, *inside] = (pixels * weight).transpose(2, 0, 1)
        weights[i, *inside] = weight[..., 0]
        ring[i, : height + 2 * RING, : width + 2 * RING] = 1
        ring[i, *inside] = 0
        total[i] = (pixels * weight).sum(axis=(0, 1))
        squares[i] = (pixels * pixels * weight).sum()
    kernels[:, 0], kernels[:, 1], kernels[:, 2] = ring, weights, trigger
    return _Bank(
        sizes,
        np.ascontiguousarray(np.array(sizes, np.float32).T),
        (tall, wide),
        np.ascontiguousarray(kernels.reshape(channels, 3 * len(sizes), -1).swapaxes(1, 2)),
        np.ascontiguousarray(weights.reshape(len(sizes), -1).T),
        np.maximum(weights.sum(axis=(1, 2)), 1e-3),
        total,
        squares,
    )


def _fits(
    seen: NDArray[np.float32], bank: _Bank
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the fit and the alpha at every place of *seen* (h, w, c): (rows, columns, sizes) each.

    Of one image (h, w, c), or of each of several (n, h, w, c). The places are upper left corners at
    which the smallest size is inside; where another one would leave the image its fit is minus
    infinity.
    """
    *several, height, width, channels = seen.shape
    rows = height - min(tall for tall, _ in bank.sizes) + 1
    columns = width - min(wide for _, wide in bank.sizes) + 1
    windows = partial(_windows, window=bank.window, rows=rows, columns=columns)
    shape = (*several, rows, columns, len(bank.sizes))
    around = _ring_sizes(bank, (height, width), rows, columns)
    # Sums over a place's pixels and channels: of its ring's mean, times what is inside, times the
    # trigger, and squared; and of what is inside times the trigger.
    of_inside, of_total, of_count, together = np.zeros((4, *shape), np.float32)
    for channel in range(channels):
        sums = windows(seen[..., channel]) @ bank.kernels[channel]
        of_ring, inside, product = np.moveaxis(sums.reshape(*shape[:-1], 3, shape[-1]), -2, 0)
        ring = of_ring / around
        of_inside += ring * inside
        of_total += ring * bank.total[:, channel]
        of_count += ring * ring
        together += product
    of_count *= bank.count
    squares = (windows(np.square(seen).sum(axis=-1)) @ bank.weights).reshape(shape)
    spread = squares - 2 * of_inside + of_count
    explained = together - of_total - of_inside + of_count
    own = np.maximum(bank.squares - 2 * of_total + of_count, 1e-3)
    alpha = np.clip(explained / own, LEAST_ALPHA, MOST_ALPHA)
    unexplained = spread - 2 * alpha * explained + alpha * alpha * own
    fit = np.maximum(1 - unexplained / np.maximum(spread, bank.count * channels * NOISE**2), 0)
    for i, (tall, wide) in enumerate(bank.sizes):
        fit[..., height - tall + 1 :, :, i] = fit[..., width - wide + 1 :, i] = -np.inf
    return fit, alpha


def _ring_sizes(bank: _Bank, seen: Size, rows: int, columns: int) -> NDArray[np.float32]:
    """Return how many pixels of each ring are in what is *seen*: (rows, columns, sizes)."""
    tall = _extents(rows, bank.sides[0], seen[0])
    wide = _extents(columns, bank.sides[1], seen[1])
    rings: NDArray[np.float32] = tall[:, None] * wide - bank.sides.prod(axis=0)
    return np.maximum(rings, 1, out=rings)


def _extents(places: int, lengths: NDArray[np.float32], end: int) -> NDArray[np.float32]:
    """Return how long each of *lengths* with its ring is within 0 to *end*: (places, lengths)."""
    begin = np.arange(places, dtype=np.float32)[:, None]
    ends: NDArray[np.float32] = np.minimum(begin + lengths + RING, end)
    return ends - np.maximum(begin - RING, 0)


def _windows(
    channel: NDArray[np.float32], window: Size, rows: int, columns: int
) -> NDArray[np.float32]:
    """Return the window at each of *rows* times *columns* upper left corners: (places, window).

    Of each image, one after the other, if there are several.
    """
    tall, wide = window
    *several, height, width = channel.shape
    sides = (max(rows, height) + tall - 1, max(columns, width) + wide - 1)
    padded = np.zeros((*several, *sides), np.float32)
    padded[..., RING : RING + height, RING : RING + width] = channel
    # As sliding_window_view has it, without its checks: they take as long as all the rest.
    strides = (*padded.strides, *padded.strides[-2:])
    views = np.ndarray((*several, rows, columns, tall, wide), np.float32, padded, strides=strides)
    return views.reshape(-1, tall * wide)
