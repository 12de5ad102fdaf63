"""Hits of one trigger laid on one another: what they have in common is the trigger.

Each hit shows it at another place, in another size, through another JPEG. It is found in each by
its pixels (`matching`), and brought to one size; what then varies less between the hits than what
is around it is its own. More than once, since the first likeness has a piece of one background.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.images import resized
from app.detection.matching import Likeness, hint, likeness, matches
from app.detection.trigger import Blocker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.trigger import Trigger

ROUNDS = 3  # of laying the hits on what they had in common before
MARGIN = 0.5  # of the trigger's side, around it, that is compared as well
STEADY = 0.5  # of how much the surroundings vary between the hits, that the trigger's pixels may
FITTING = 0.45  # least fit of a hit that is laid on the others
LEAST_HITS = 3
CLEAR = 0.9  # mean fit of what all of the box has led to, from which on nothing else is tried
PARTS = (0.75, 0.5)  # of the box's sides, that may be begun with instead
TRIED_PARTS = 3
AGAIN = 6.0  # levels in the mean, by which one image differs that is sent again, re-encoded or not
LEAST_PIXELS = 12  # of the mask: fewer are chance
SHOWN = 0.99  # of a pixel that all hits must show: what is outside of an image isn't steady
FILLED = 0.45  # of its neighbourhood that must be the trigger's for a pixel to be
COVERED = 2  # pixels around the box that are blocked with it: its place varies


def registered(trigger: Trigger, hits: Sequence[NDArray[np.uint8]], home: Box) -> Trigger | None:
    """Return *trigger* with what *hits*, each (h, w, c), have in common; or None.

    Its place and size are the usual ones among the hits; *home* is where the box lies in them.
    Where all of the box leads to nothing that fits them well, it may be mostly background of the
    image that it was found in: then parts of it that the hits share are begun with instead.
    """
    if len(hits) < LEAST_HITS:
        return None
    whole = _worked_out(trigger, likeness(trigger), hits, home)
    if trigger.mask is not None or (whole is not None and explained(whole, hits) >= CLEAR):
        return whole
    parts = _shared_parts(trigger, hits, home)
    found = [whole, *(_worked_out(trigger, part, hits, home) for part in parts)]
    return _middle([one for one in found if one is not None])


def explained(trigger: Trigger, hits: Sequence[NDArray[np.uint8]]) -> float:
    """Return how well the trigger's pixels fit *hits*, in the mean."""
    what = likeness(trigger)
    best = [matches(hit, what, Box(0, 0, hit.shape[1], hit.shape[0]))[:1] for hit in hits]
    return float(np.mean([one[0].fit if one else 0.0 for one in best]))


def _worked_out(
    trigger: Trigger, what: Likeness, hits: Sequence[NDArray[np.uint8]], home: Box
) -> Trigger | None:
    """Lay *hits* on one another, at first by *what*, then by what they had in common."""
    for _ in range(ROUNDS):
        laid = _laid(what, hits)
        if laid is None:
            return None
        stack, size = laid
        mask = _steady(stack, size)
        if mask.sum() < LEAST_PIXELS:
            return None
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        inside = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        pixels = np.median(stack[..., :-1], axis=0)[inside].astype(np.float32)
        what = Likeness(pixels, mask[inside].astype(np.float32))
    return _described(trigger, what, hits, home)


def _shared_parts(trigger: Trigger, hits: Sequence[NDArray[np.uint8]], home: Box) -> list[Likeness]:
    """Return the parts of the box that most hits show about there, the best first."""
    reach = max(home.width, home.height)
    areas = [home.grown(reach, hit.shape[1], hit.shape[0]) for hit in hits]
    pixels = trigger.patch.astype(np.float32)
    parts = [
        Likeness(
            np.ascontiguousarray(pixels[one.rows, one.columns]),
            np.ones((one.height, one.width), np.float32),
        )
        for one in _parts(home.width, home.height)
    ]
    fits = [
        float(np.median([hint(hit, part, area) for hit, area in zip(hits, areas, strict=True)]))
        for part in parts
    ]
    best = np.argsort(fits)[::-1][:TRIED_PARTS]
    return [parts[i] for i in best if fits[i] >= FITTING]


def _parts(width: int, height: int) -> Iterator[Box]:
    """Yield parts of a box of this size: of each share of its sides, in its corners and between."""
    for share in PARTS:
        wide, tall = max(3, round(share * width)), max(3, round(share * height))
        for y in sorted({0, (height - tall) // 2, height - tall}):
            for x in sorted({0, (width - wide) // 2, width - wide}):
                yield Box(x, y, wide, tall)


def _middle(found: Sequence[Trigger]) -> Trigger | None:
    """Return the one that overlaps the others most: a start that led astray is alone."""
    return max(
        found, key=lambda one: sum(one.box.overlap(other.box) for other in found), default=None
    )


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
    varying = np.sqrt(np.square(pixels - np.median(pixels, axis=0)).mean(axis=(0, 3)))
    varying = _averaged(varying)
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
        part = np.zeros_like(mask)
        row, column = (int(i) for i in np.argwhere(left)[0])
        part[row, column] = True
        while True:
            near = np.pad(part, 1)
            grown = near[:-2, 1:-1] | near[2:, 1:-1] | near[1:-1, :-2] | near[1:-1, 2:] | part
            grown &= left
            if (grown == part).all():
                break
            part = grown
        left &= ~part
        if part.sum() > best.sum():
            best = part
    return best


def _described(
    trigger: Trigger, what: Likeness, hits: Sequence[NDArray[np.uint8]], home: Box
) -> Trigger:
    """Put *what* on the trigger, where the hits show it: in the middle of their places."""
    height, width = what.weights.shape
    off_x, off_y = _off(what, hits, home)
    middle_x, middle_y = trigger.box.centre
    x = min(max(middle_x + off_x - width // 2, 0), trigger.image_width - width)
    y = min(max(middle_y + off_y - height // 2, 0), trigger.image_height - height)
    own = Box(x, y, width, height)
    covered = own.grown(COVERED, trigger.image_width, trigger.image_height)
    return replace(
        trigger,
        box=own,
        blocker=Blocker(covered, trigger.blocker.fill),
        patch=np.rint(what.pixels).astype(np.uint8),
        mask=what.weights > 0,
    )


def _off(what: Likeness, hits: Sequence[NDArray[np.uint8]], home: Box) -> tuple[int, int]:
    """Return how far from the middle of *home* the hits show it: right, and down."""
    best = [matches(hit, what, Box(0, 0, hit.shape[1], hit.shape[0]))[:1] for hit in hits]
    centres = [one[0].box.centre for one in best if one and one[0].fit >= FITTING]
    if not centres:
        return 0, 0
    x, y = np.median(centres, axis=0)
    home_x, home_y = home.centre
    return round(float(x)) - home_x, round(float(y)) - home_y
