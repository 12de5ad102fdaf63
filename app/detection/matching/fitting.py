"""How well each size of a bank fits at each place: all of them are a few matrix products."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.matching.bank import RING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.matching.bank import Bank, Size

    Size3 = tuple[int, int, int]
    Sums = tuple[NDArray[np.float32], ...]

LEAST_ALPHA, MOST_ALPHA = 0.2, 1.25  # below it hardly anything is left of a trigger
NOISE = 4.0  # levels a pixel: a place that differs less from its surroundings shows nothing
AT_ONCE = 2**18  # numbers of all channels' windows; in larger areas one channel follows another
BY_ROWS, FEW = 2**16, 9  # numbers of a channel's windows, above which so few sizes go row by row
LARGE = 2**11  # pixels of a window with a mask, from which on that is so of more sizes than one


def fitted(
    seen: NDArray[np.float32], bank: Bank
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the fit and the alpha at every place of *seen* (h, w, c): (rows, columns, sizes) each.

    The places are upper left corners at which the smallest size is inside; where another one would
    leave the image its fit is minus infinity.
    """
    height, width, channels = seen.shape
    places = (height - min(bank.heights) + 1, width - min(bank.widths) + 1)
    planes = _planes(seen, bank.window, places)
    summed = _by_rows if _are_large(bank, places) else _by_windows
    of_inside, of_total, of_count, together, squares = summed(planes, bank, seen.shape, places)
    spread = squares - 2 * of_inside + of_count
    explained = together - of_total - of_inside + of_count
    own = bank.squares - 2 * of_total + of_count
    fit, alpha = fit_of(spread, explained, own, bank.count * channels * NOISE**2)
    if len(bank.sizes) > 1:
        for i, (tall, wide) in enumerate(bank.sizes):
            fit[..., height - tall + 1 :, :, i] = fit[..., width - wide + 1 :, i] = -np.inf
    return fit, alpha


def _are_large(bank: Bank, places: Size) -> bool:
    """Say if row by row the windows take less time than laid side by side."""
    pixels, many = len(bank.weights), len(bank.sizes)
    few = FEW if bank.is_whole or pixels >= LARGE else 1
    return many <= few and math.prod(places) * pixels > BY_ROWS


def fit_of(
    spread: NDArray[np.float32],
    explained: NDArray[np.float32],
    own: NDArray[np.float32],
    noise: NDArray[np.float32] | float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the fit and the alpha at each place, by three sums over its pixels.

    Of what sets the place apart from its ring, squared (*spread*); of that times what sets the
    trigger apart (*explained*); and of this, squared (*own*). A spread below *noise* is that.
    """
    own = np.maximum(own, 1e-3)
    alpha = clipped(explained / own)
    unexplained = spread - alpha * (2 * explained - alpha * own)
    return np.maximum(1 - unexplained / np.maximum(spread, noise), 0), alpha


def clipped(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return *alpha* itself, none of it below what is left of a trigger, nor above all of it."""
    np.maximum(alpha, LEAST_ALPHA, out=alpha)  # clip takes twice as long
    return np.minimum(alpha, MOST_ALPHA, out=alpha)


def _by_windows(planes: NDArray[np.float32], bank: Bank, seen: Size3, places: Size) -> Sums:
    """Return sums over each place's pixels and channels: (rows, columns, sizes) each.

    Of its ring's mean, times what is inside, times the trigger, and squared; of what is inside
    times the trigger, and squared. All windows are laid side by side.
    """
    channels, shape = seen[2], (*places, len(bank.sizes))
    around = _ring_sizes(bank, seen[:2], places)
    of_inside, of_total, of_count, together = np.zeros((4, *shape), np.float32)
    step = channels if channels * math.prod(places) * len(bank.weights) <= AT_ONCE else 1
    for start in range(0, channels, step):
        some = slice(start, start + step)
        sums = _windows(planes[some], bank.window, places) @ bank.kernels[some]
        parts = sums.reshape(-1, *shape[:-1], 3, shape[-1])
        ring, inside = parts[..., 0, :] / around, parts[..., 1, :]
        of_inside += _over_channels(ring * inside)
        of_total += _over_channels(ring * bank.total[some])
        of_count += _over_channels(ring * ring)
        together += _over_channels(parts[..., 2, :])
    of_count *= bank.count
    squares = _windows(planes[channels:], bank.window, places)[0] @ bank.weights
    return of_inside, of_total, of_count, together, squares.reshape(shape)


def _by_rows(planes: NDArray[np.float32], bank: Bank, seen: Size3, places: Size) -> Sums:
    """Return the same, of few sizes that are large: each row of a window goes by itself.

    Sums over boxes are those over its rows and then its columns: so no window is laid anywhere.
    """
    channels = seen[2]
    ring, inside = _boxes(planes, bank, places)
    ring -= inside[:channels]
    ring /= _ring_sizes(bank, seen[:2], places)
    if not bank.is_whole:
        inside = _rows_times(planes, bank.weights[None], bank, places)
    together = _over_channels(_rows_times(planes[:channels], bank.own, bank, places))
    of_inside = _over_channels(ring * inside[:channels])
    of_total, of_count = _over_channels(ring * bank.total), _over_channels(ring * ring)
    of_count *= bank.count
    return of_inside, of_total, of_count, together, inside[channels]


def _boxes(
    planes: NDArray[np.float32], bank: Bank, places: Size
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the sums over each size's box at each place, with its ring and without.

    Of the channels of *planes*, and without also of the last one: (planes, rows, columns, sizes).
    """
    tall, wide = planes.shape[1:]
    down, rows = _bands(places[0], tall, bank.heights)
    across, columns = _bands(places[1], wide, bank.widths)
    strips: NDArray[np.float32] = down @ planes[:, None]
    inside = strips[:, rows] @ across[columns].transpose(0, 2, 1)
    rows, columns = rows + len(down) // 2, columns + len(across) // 2
    outer = strips[:-1, rows] @ across[columns].transpose(0, 2, 1)
    return _sizes_last(outer), _sizes_last(inside)


def _sizes_last(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.moveaxis(sums, 1, 3))


@lru_cache(maxsize=64)
def _bands(
    places: int, end: int, lengths: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return which pixels up to *end* each place has, and which of these each of *lengths* is.

    Of each length once, without its ring and then, as many more, with it: (2 k, places, end).
    """
    own, which = np.unique(np.array(lengths), return_inverse=True)
    place, pixel = np.arange(places)[:, None], np.arange(end)
    bands = [
        (pixel >= place + RING - ring) & (pixel < place + RING + length + ring)
        for ring in (0, RING)
        for length in own.tolist()
    ]
    return np.stack(bands).astype(np.float32), which


def _rows_times(
    planes: NDArray[np.float32], kernels: NDArray[np.float32], bank: Bank, places: Size
) -> NDArray[np.float32]:
    """Return the sums of each window of *planes* times *kernels*: (planes, rows, columns, sizes).

    The kernels (planes or 1, window, sizes) are the same for all planes or each one's own.
    """
    (height, width), many, sizes = bank.window, len(planes), kernels.shape[-1]
    rows = places[0] + height - 1
    strips = _windows(planes, (1, width), (rows, places[1])).reshape(many, rows, places[1], width)
    of_rows = kernels.reshape(len(kernels), height, width, sizes)
    summed = np.zeros((many, math.prod(places), sizes), np.float32)
    for row in range(height):
        summed += strips[:, row : row + places[0]].reshape(many, -1, width) @ of_rows[:, row]
    return summed.reshape(many, *places, sizes)


def _planes(seen: NDArray[np.float32], window: Size, places: Size) -> NDArray[np.float32]:
    """Return the channels of *seen*, then the sum of their squares: (channels + 1, h, w).

    With zeros around them, so that there is a whole window at each of *places*.
    """
    height, width, channels = seen.shape
    sides = (max(places[0], height) + window[0] - 1, max(places[1], width) + window[1] - 1)
    planes = np.zeros((channels + 1, *sides), np.float32)
    inner = (slice(RING, RING + height), slice(RING, RING + width))
    for channel in range(channels):
        planes[channel][inner] = seen[..., channel]
    planes[channels][inner] = np.square(seen).sum(axis=-1)
    return planes


def _over_channels(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum *values* (channels, ...), of which there may be one."""
    summed: NDArray[np.float32] = values[0] if len(values) == 1 else np.add.reduce(values)
    return summed


def _ring_sizes(bank: Bank, seen: Size, places: Size) -> NDArray[np.float32]:
    """Return how many pixels of each ring are in what is *seen*: (rows, columns, sizes)."""
    tall = _extents(places[0], bank.heights, seen[0])
    wide = _extents(places[1], bank.widths, seen[1])
    rings: NDArray[np.float32] = tall[:, None] * wide
    rings -= bank.areas
    return np.maximum(rings, 1, out=rings)


@lru_cache(maxsize=128)
def _extents(places: int, lengths: tuple[int, ...], end: int) -> NDArray[np.float32]:
    """Return how long each of *lengths* with its ring is within 0 to *end*: (places, lengths)."""
    begin = np.arange(places, dtype=np.float32)[:, None]
    ends: NDArray[np.float32] = np.minimum(begin + np.array(lengths, np.float32) + RING, end)
    return ends - np.maximum(begin - RING, 0)


def _windows(planes: NDArray[np.float32], window: Size, places: Size) -> NDArray[np.float32]:
    """Return the window at each upper left corner of *planes*: (planes, places, window)."""
    # As sliding_window_view has it, without its checks: they take as long as all the rest.
    shape = (len(planes), *places, *window)
    strides = (*planes.strides, *planes.strides[-2:])
    views = np.ndarray(shape, np.float32, planes, strides=strides)
    return views.reshape(len(planes), -1, window[0] * window[1])
