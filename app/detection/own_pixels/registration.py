"""Hits of one trigger registered to one another: what they have in common is the trigger.

Each hit shows it at another place, in another size, through another JPEG; so they are laid on one
another (`laying`), and what then varies less between them than what is around it is its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.images import resized
from app.detection.matching import RING, Likeness, Match, cropped, hint, likeness, matches
from app.detection.own_pixels.laying import (
    FITTING,
    LEAST_HITS,
    LEAST_PIXELS,
    MANY_HITS,
    ROUNDS,
    Near,
    about,
    in_common,
    searched,
)
from app.detection.recognising.sighting import REACH
from app.detection.regions import bounds
from app.detection.trigger import Blocker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.trigger import Trigger

    Hits = Sequence[NDArray[np.uint8]]

CLEAR = 0.9  # mean fit of what all of the box has led to, from which on nothing else is tried
LARGE = 0.5  # of the box, that it must be then
LARGEST = 3.0  # times the box, that a trigger may be: its hits' backgrounds may be alike
TWICE = 2.0  # times a box that hits have shown already, or an outline, that a few may make of it
PARTS = (0.75, 0.5)  # of the box's sides, that may be begun with instead
TRIED_PARTS = 3
FINER = 2  # times as many pixels a side, for a trigger whose lines are as thin as a pixel
FINE_SIDES = range(10, 24)  # pixels of the box's shorter side: a smaller one has no lines
UNEXPLAINED = 3.0  # times what a trigger doesn't explain in the hits, it must explain
HALF = 0.5  # of a pixel that must be the trigger's
MORE = 1.05  # times as much of the hits another mask must explain as the one that is known
COVERED = 2  # pixels around the box that are blocked with it: its place varies


def registered(trigger: Trigger, hits: Hits, home: Box) -> Trigger | None:
    """Return *trigger* with what *hits*, each (h, w, c), have in common; or None.

    Where its mask or outline is known it stays in its size and place. Else these are the usual ones
    among the hits; *home* is where the box lies in them. Where all of the box leads to nothing that
    fits them well, it may be mostly background of the image that it was found in, or the trigger's
    lines are thin: then parts of it that the hits share are begun with, too, and all of it is tried
    finer. What explains most of the hits is it. Where nothing fits them well, the box may be beside
    it; then it was found anew, and the last hit, which is cut out around that, is begun with too.
    """
    if len(hits) < LEAST_HITS:
        return None
    if trigger.mask is not None or trigger.outline is not None:
        found = _told_better(trigger, hits, home)
        for _ in range(1, ROUNDS):
            if found is None or found.own.sum() == trigger.own.sum():
                break  # the mask is the one that was known
            trigger, found = found, _told_better(found, hits, home)
        return found
    best = _begun_with(likeness(trigger), hits, home)
    if best is None or not _is_clear(best, hits, home.area):
        best = _worthiest([best, _begun_with(_shown(hits[-1], home), hits, home)], hits, home)
    return _placed(trigger, best, _middle(trigger, best, hits, home)) if best else None


def _told_better(trigger: Trigger, hits: Hits, home: Box) -> Trigger | None:
    """Return *trigger* with the mask that explains more of *hits* than its own, or outline, does.

    Or with its own, and the pixels that most hits show in it: so both are compared with such.
    """
    told = likeness(trigger)
    near = where_told(trigger, home)
    laid = about(told, hits, near)
    if laid is None:
        return None
    around, mask = laid
    same, other = cropped(around), Likeness(around.pixels, mask.astype(np.float32))
    best = _worthiest([same, cropped(told)], hits, home, near)
    better = _worthiest([cropped(other)] if mask.any() else [], hits, home, near)
    if len(hits) < MANY_HITS and better and better.weights.size > TWICE * home.area:
        better = None
    least = 0.0 if best is None else MORE * worth(best, hits, near)
    if better and worth(better, hits, near) >= least:
        best, around = better, other
    if best is None:
        return None
    own, box = bounds(around.weights > 0), trigger.box
    x = box.x + own.x - (around.weights.shape[1] - box.width) // 2
    y = box.y + own.y - (around.weights.shape[0] - box.height) // 2
    return _placed(trigger, best, (x, y))


def _begun_with(start: Likeness, hits: Hits, home: Box) -> Likeness | None:
    """Return what explains most of *hits*: what *start* leads to, or its parts."""
    best = in_common(start, hits)
    if best is not None and _is_clear(best, hits, home.area):
        return best
    parts = _shared_parts(start, hits, home)
    best = _worthiest([best, *(in_common(part, hits) for part in parts)], hits, home)
    if min(home.width, home.height) not in FINE_SIDES:
        return best
    return _worthiest([best, *_finer([best or start, start], hits)], hits, home)


def _shown(seen: NDArray[np.uint8] | NDArray[np.float32], box: Box) -> Likeness:
    pixels = np.ascontiguousarray(seen[box.rows, box.columns], np.float32)
    return Likeness(pixels, np.ones(pixels.shape[:2], np.float32))


def _is_clear(whole: Likeness, hits: Hits, area: float) -> bool:
    """Say if *whole* fits all hits well and has about this *area*: pieces fit anything."""
    if whole.weights.sum() < LARGE * area or whole.weights.size > LARGEST * area:
        return False
    return fit(whole, hits) >= CLEAR


def _worthiest(
    found: Sequence[Likeness | None], hits: Hits, home: Box, near: Near | None = None
) -> Likeness | None:
    """Return what explains most of *hits*; None if nothing explains more than it leaves.

    What is far larger than the box has a piece of backgrounds that the hits happen to share.
    """
    most = LARGEST * home.area
    large = [
        one
        for one in found
        if one is not None and one.weights.sum() >= LEAST_PIXELS and one.weights.size <= most
    ]
    worths = [worth(one, hits, near) for one in large]
    return large[int(np.argmax(worths))] if max(worths, default=0.0) > 0 else None


def where_told(trigger: Trigger, home: Box) -> Near | None:
    """Return where hits that are cut around *trigger* show it, about its *home* in them.

    What is faint fits something else in many a photograph better than the place where it lies.
    None if only their pixels tell: no mask or outline is known, or it moves, even to the edges.
    """
    if trigger.moves or (trigger.mask is None and trigger.outline is None):
        return None
    return Near(home, round(REACH * min(trigger.image_width, trigger.image_height)))


def fit(what: Likeness, hits: Hits, near: Near | None = None) -> float:
    """Return how well it fits *hits*, in the mean."""
    return float(np.mean([0.0 if one is None else one.fit for one in _all_best(what, hits, near)]))


def worth(what: Likeness, hits: Hits, near: Near | None = None) -> float:
    """Return how much of *hits* it explains, beside what it doesn't where it says to lie.

    In squared levels, each pixel against the place's surroundings: so a part of a trigger, which
    fits as well, is worth less than all of it, and so is one with a piece of the backgrounds.
    """
    best = _all_best(what, hits, near)
    shown = float(np.mean([0.0 if one is None else one.fit for one in best]))
    spread = [
        0.0 if one is None else _spread(what, hit, one.box)
        for hit, one in zip(hits, best, strict=True)
    ]
    return float(np.mean(spread)) * (shown - UNEXPLAINED * (1 - shown))


def _spread(what: Likeness, hit: NDArray[np.uint8], box: Box) -> float:
    """Return how much the pixels of *what* at *box* differ from what is around: squared levels."""
    around = box.grown(RING, hit.shape[1], hit.shape[0])
    seen = hit[around.rows, around.columns].astype(np.float32)
    own = np.zeros(seen.shape[:2], np.float32)
    ring = np.ones(seen.shape[:2], bool)
    x, y = box.x - around.x, box.y - around.y
    inside = (slice(y, y + box.height), slice(x, x + box.width))
    ring[inside] = False
    own[inside] = resized(what.weights[..., None], box.height, box.width)[..., 0]
    background = (seen[ring] if ring.any() else seen.reshape(-1, seen.shape[2])).mean(axis=0)
    return float((np.square(seen - background).sum(axis=2) * own).sum())


def _all_best(what: Likeness, hits: Hits, near: Near | None = None) -> list[Match | None]:
    """Return where each of *hits* shows it best, *near* somewhere; None where it is too large."""
    areas = [searched(hit, what, near) for hit in hits]
    found = [matches(hit, what, area, copies=False) for hit, area in zip(hits, areas, strict=True)]
    return [some[0] if some else None for some in found]


def _finer(starts: Sequence[Likeness], hits: Hits) -> list[Likeness | None]:
    """Do the same in enlarged hits, where they are laid on one another to the half of a pixel."""
    large = [np.rint(_enlarged(hit.astype(np.float32))).astype(np.uint8) for hit in hits]
    larger = [
        Likeness(_enlarged(one.pixels), _enlarged(one.weights[..., None])[..., 0])
        for one in dict.fromkeys(starts)
    ]
    return [_reduced(one) for one in (in_common(start, large) for start in larger) if one]


def _enlarged(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width, _ = pixels.shape
    return resized(pixels, FINER * height, FINER * width)


def _reduced(what: Likeness) -> Likeness:
    """Bring what was found in enlarged hits back to their own size."""
    height, width = (max(1, round(side / FINER)) for side in what.weights.shape)
    weights = resized(what.weights[..., None], height, width)
    shown = resized(what.pixels * what.weights[..., None], height, width)
    own = (weights[..., 0] >= HALF).astype(np.float32)
    pixels = np.divide(shown, weights, out=np.zeros_like(shown), where=weights > 0)
    return Likeness(pixels, own)


def _shared_parts(start: Likeness, hits: Hits, home: Box) -> list[Likeness]:
    """Return the parts of *start* that most hits show about there, the best first."""
    reach = max(home.width, home.height)
    areas = [home.grown(reach, hit.shape[1], hit.shape[0]) for hit in hits]
    parts = [_shown(start.pixels, one) for one in _parts(home.width, home.height)]
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


def _placed(trigger: Trigger, what: Likeness, corner: tuple[int, int]) -> Trigger:
    """Put *what* on the trigger, its upper left *corner* there, and not out of the image."""
    height, width = what.weights.shape
    x = min(max(corner[0], 0), trigger.image_width - width)
    y = min(max(corner[1], 0), trigger.image_height - height)
    own = Box(x, y, width, height)
    covered = own.grown(COVERED, trigger.image_width, trigger.image_height)
    return replace(
        trigger,
        box=own,
        blocker=Blocker(covered, trigger.blocker.fill),
        patch=np.rint(what.pixels).astype(np.uint8),
        mask=what.weights > 0,
        outline=None,
    )


def _middle(trigger: Trigger, what: Likeness, hits: Hits, home: Box) -> tuple[int, int]:
    """Return the upper left corner where the hits show *what*: in the middle of their places."""
    height, width = what.weights.shape
    off_x, off_y = _off(what, hits, home)
    x, y = trigger.box.centre
    return x + off_x - width // 2, y + off_y - height // 2


def _off(what: Likeness, hits: Hits, home: Box) -> tuple[int, int]:
    """Return how far from the middle of *home* the hits show it: right, and down."""
    best = _all_best(what, hits)
    centres = [one.box.centre for one in best if one is not None and one.fit >= FITTING]
    if not centres:
        return 0, 0
    x, y = np.median(centres, axis=0)
    home_x, home_y = home.centre
    return round(float(x)) - home_x, round(float(y)) - home_y
