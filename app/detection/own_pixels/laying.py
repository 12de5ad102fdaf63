"""Hits of one trigger laid on one another: what varies little between them is the trigger's.

It is found in each by its pixels (`matching`), and brought to one size, with its surroundings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.images import resized
from app.detection.matching import Likeness, cropped, matches
from app.detection.regions import hanging_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ROUNDS = 3  # of laying the hits on what they had in common before
MARGIN = 0.5  # of the trigger's side, around it, that is compared as well
STEADY = 0.5  # of how much the surroundings vary between the hits, that the trigger's pixels may
MOST = 0.75  # of the hits that must show a pixel alike: one may be laid wrongly
FITTING = 0.45  # least fit of a hit that is laid on the others
LEAST_HITS = 3
AGAIN = 6.0  # levels in the mean, by which one image differs that is sent again, re-encoded or not
LEAST_PIXELS = 12  # of the mask: fewer are chance
SHOWN = 0.99  # of a pixel that all hits must show: what is outside of an image isn't steady
FILLED = 0.45  # of its neighbourhood that must be the trigger's for a pixel to be


def in_common(what: Likeness, hits: Sequence[NDArray[np.uint8]]) -> Likeness | None:
    """Return what *hits*, each (h, w, c), have in common where they show *what*; None if little.

    Laid on one another by *what* at first, then by what they had in common: the first likeness has
    a piece of one background.
    """
    for _ in range(ROUNDS):
        laid = _laid(what, hits)
        if laid is None:
            return None
        stack, size = laid
        mask = _steady(stack, size)
        if mask.sum() < LEAST_PIXELS:
            return None
        pixels = np.median(stack[..., :-1], axis=0).astype(np.float32)
        what = cropped(Likeness(pixels, mask.astype(np.float32)))
    return what


def are_laid(what: Likeness, hits: Sequence[NDArray[np.uint8]]) -> bool:
    """Say if enough of *hits* that show something different around it show *what*."""
    return _laid(what, hits) is not None


def _laid(
    what: Likeness, hits: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], tuple[int, int]] | None:
    """Return the hits with their surroundings (n, h, w, c), and the trigger's size in them.

    None if it is found in too few.
    """
    found = []
    for hit in hits:
        best = matches(hit, what, Box(0, 0, hit.shape[1], hit.shape[0]))[:1]
        if best and best[0].fit >= FITTING:
            found.append((hit, best[0].box))
    if len(found) < LEAST_HITS:
        return None
    height = max(3, round(float(np.median([box.height for _, box in found]))))
    width = max(3, round(float(np.median([box.width for _, box in found]))))
    cut = _different([_cut(hit, box, height, width) for hit, box in found])
    return (np.stack(cut), (height, width)) if len(cut) >= LEAST_HITS else None


def _different(hits: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Leave out what shows the same as an earlier one, surroundings and all: one image again."""
    different: list[NDArray[np.float32]] = []
    for hit in hits:
        if all(np.abs(hit - other).mean() > AGAIN for other in different):
            different.append(hit)
    return different


def _cut(hit: NDArray[np.uint8], box: Box, height: int, width: int) -> NDArray[np.float32]:
    """Return *box* of *hit* as *height* times *width* pixels, with MARGIN of its surroundings.

    A further channel says how much of each pixel the hit shows: 0 outside of it.
    """
    tall, wide = round(MARGIN * box.height), round(MARGIN * box.width)
    seen = np.dstack([hit.astype(np.float32), np.ones(hit.shape[:2], np.float32)])
    padded = np.pad(seen, ((tall, tall), (wide, wide), (0, 0)))
    area = padded[box.y : box.y + box.height + 2 * tall, box.x : box.x + box.width + 2 * wide]
    down, across = 2 * round(MARGIN * height), 2 * round(MARGIN * width)
    return resized(area, height + down, width + across)


def _steady(stack: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels (h, w) of *stack* vary little between the hits, one whole, no holes."""
    height, width = size
    tall, wide = round(MARGIN * height), round(MARGIN * width)
    pixels, shown = stack[..., :-1], stack[..., -1].min(axis=0) > SHOWN
    off = np.sqrt(np.square(pixels - np.median(pixels, axis=0)).mean(axis=3))
    varying = _averaged(np.quantile(off, MOST, axis=0, method="higher").astype(np.float32))
    around = shown.copy()
    around[tall : tall + height, wide : wide + width] = False
    usual = float(np.median(varying[around])) if around.any() else 0.0
    filled = _averaged((varying < STEADY * usual).astype(np.float32)) >= FILLED
    return _largest(filled & shown)


def _averaged(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average *values* (h, w) over each pixel and its eight neighbours."""
    padded = np.pad(values, 1, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    averaged: NDArray[np.float32] = views.mean(axis=(2, 3), dtype=np.float32)
    return averaged


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the largest part of *mask* that hangs together."""
    left, best = mask.copy(), np.zeros_like(mask)
    while left.any():
        start = np.zeros_like(mask)
        row, column = (int(i) for i in np.argwhere(left)[0])
        start[row, column] = True
        part = hanging_together(start, left)
        left &= ~part
        if part.sum() > best.sum():
            best = part
    return best
