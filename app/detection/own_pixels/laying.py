"""Hits of one trigger laid on one another: what varies little between them is the trigger's.

It is found in each by its pixels (`matching`), and brought to one size, with its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.finding.outlining import FRAME, LEAST, background
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
A_LITTLE = 0.1  # of what is around it, that varies less than what a known mask loses, of many hits
MOST = 0.75  # of the hits that must show a pixel alike: one may be laid wrongly
FITTING = 0.45  # least fit of a hit that is laid on the others
LEAST_HITS = 3
AGAIN = 6.0  # levels in the mean, by which one image differs that is sent again, re-encoded or not
MANY_HITS = 8  # from which on their backgrounds hardly are alike: what is known may be but a piece
LEAST_PIXELS = 12  # of the mask: fewer are chance
SHOWN = 0.99  # of a pixel that all hits must show: what is outside of an image isn't steady
HALF = 0.5  # of the hits, of whose surroundings a pixel must stand out to be taken in
FILLED = 0.44  # of its neighbourhood that must be the trigger's for a pixel to be


@dataclass(frozen=True)
class Near:
    """Hits show a trigger with its middle within ``reach`` of that of ``home``."""

    home: Box
    reach: int


def searched(hit: NDArray[np.uint8], what: Likeness, near: Near | None) -> Box:
    """Return the part of *hit* (h, w, c) that *what* is looked for in; all without *near*."""
    height, width = hit.shape[:2]
    whole, (tall, wide) = Box(0, 0, width, height), what.weights.shape
    if near is None:
        return whole
    x, y = near.home.centre
    left, top = x - wide // 2 - near.reach, y - tall // 2 - near.reach
    area = Box(left, top, wide + 2 * near.reach, tall + 2 * near.reach)
    return whole.common(area) or whole


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
        varying, usual, shown = _variation(stack, size)
        mask = _whole(varying < STEADY * usual, shown)
        if mask.sum() < LEAST_PIXELS:
            return None
        pixels = np.median(stack[..., :-1], axis=0).astype(np.float32)
        what = cropped(Likeness(pixels, mask.astype(np.float32)))
    return what


def about(
    told: Likeness, hits: Sequence[NDArray[np.uint8]], near: Near | None = None
) -> tuple[Likeness, NDArray[np.bool_]] | None:
    """Return what most *hits*, each (h, w, c), show of *told* and about it, and what is the mask.

    MARGIN is about it; it lies *near* somewhere, if that is given. Of what is told to be the
    trigger's own it loses only what varies between the hits as its surroundings do, and of a few
    it gains only what stands out of these. None if too few hits show it.
    """
    height, width = told.weights.shape
    laid = _laid(told, hits, (height, width), near)
    if laid is None:
        return None
    stack, size = laid
    box = _box_of(size)
    varying, usual, shown = _variation(stack, size)
    weights = np.zeros(shown.shape, np.float32)
    weights[box.rows, box.columns] = told.weights
    seen = stack[..., :-1]
    gained, most = varying < STEADY * usual, usual
    if len(stack) < MANY_HITS:
        gained &= _standing_out(seen, box)
    else:
        most = _usual(varying, box, shown, A_LITTLE)
    mask = _whole(gained | ((weights > 0) & (varying < most)), shown)
    return Likeness(np.median(seen, axis=0).astype(np.float32), weights), mask


def _laid(
    what: Likeness,
    hits: Sequence[NDArray[np.uint8]],
    size: tuple[int, int] | None = None,
    near: Near | None = None,
) -> tuple[NDArray[np.float32], tuple[int, int]] | None:
    """Return the hits with their surroundings (n, h, w, c), and the trigger's *size* in them.

    Without one it is the usual one. None if it is found in too few.
    """
    found = []
    for hit in hits:
        best = matches(hit, what, searched(hit, what, near))[:1]
        if best and best[0].fit >= FITTING:
            found.append((hit, best[0].box))
    if len(found) < LEAST_HITS:
        return None
    usual = np.median([(box.height, box.width) for _, box in found], axis=0)
    height, width = size or (max(3, round(float(side))) for side in usual)
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


def _box_of(size: tuple[int, int]) -> Box:
    """Return where the trigger lies, with MARGIN about it."""
    height, width = size
    return Box(round(MARGIN * width), round(MARGIN * height), width, height)


def _variation(
    stack: NDArray[np.float32], size: tuple[int, int]
) -> tuple[NDArray[np.float32], float, NDArray[np.bool_]]:
    """Return how much each pixel (h, w) varies between most hits, and how much is usual around.

    And which all hits show.
    """
    box = _box_of(size)
    pixels, shown = stack[..., :-1], stack[..., -1].min(axis=0) > SHOWN
    off = np.sqrt(np.square(pixels - np.median(pixels, axis=0)).mean(axis=3))
    varying = _averaged(np.quantile(off, MOST, axis=0, method="higher").astype(np.float32))
    return varying, _usual(varying, box, shown, 0.5), shown


def _usual(varying: NDArray[np.float32], box: Box, shown: NDArray[np.bool_], share: float) -> float:
    """Return by how much this *share* of what is *shown* around *box* varies at most."""
    around = shown.copy()
    around[box.rows, box.columns] = False
    return float(np.quantile(varying[around], share)) if around.any() else 0.0


def _whole(own: NDArray[np.bool_], shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels (h, w) that are *own*, as one whole, without holes."""
    return _largest((_averaged(own.astype(np.float32)) >= FILLED) & shown)


def _standing_out(hits: NDArray[np.float32], box: Box) -> NDArray[np.bool_]:
    """Return which pixels (h, w) aren't of what is around *box* in most *hits* (n, h, w, c).

    Where too few of these tell it all may be: what is so varied they hardly share.
    """
    thick = max(1, min(box.x, box.y) // FRAME)
    out = [~background(np.rint(hit).astype(np.uint8), box, thick) for hit in hits]
    telling = [one for one in out if one.sum() >= LEAST * box.area]
    if len(telling) < LEAST_HITS:
        return np.ones(hits.shape[1:3], bool)
    most: NDArray[np.bool_] = np.mean(telling, axis=0) > HALF
    return most


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
