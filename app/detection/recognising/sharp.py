"""A known trigger whose pixels clean images show everywhere, told by its edges; no probe.

Strokes of digits show a plain square at many places, so its pixels tell nothing away from its usual
one. But what somebody puts on an image ends from one pixel to the next, all around, and a stroke
doesn't. So it is seen wherever it lies, and in copies, also among strokes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.usual import Usual, usual
from app.detection.evidence.weighing import of_extreme
from app.detection.geometry import Box
from app.detection.matching import LEVELS
from app.detection.recognising.presence import fits
from app.detection.recognising.sighting import DISTINCT, LEAST_OF_TARGET, Sighting
from app.detection.recognising.strewn import tells_copies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.matching import Likeness
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images

WITHIN = (LEVELS, 3 * LEVELS, 4.5 * LEVELS)  # of the known pixels: as it is, and down to alpha 0.6
STEEP = 160  # levels between neighbouring pixels that make a full edge
PIXELS, MISSING = 16, 0.1  # of a trigger that are compared, and the share that may be missing
ASKED = 48  # references of all classes that tell what is usual, and so many of the target
UNTOLD = Usual(0.5, 0.1)  # where hardly any of them shows its pixels anywhere
SHARP = (4.0, 4.0, 5.5, 4.0, 4.0, 5.5)  # weights from which on it is asked about, in each list
SHARP_AT_MOST = 4.0  # and that it has at most: it must be needed
COPY = 0.4  # of the sharpest place's edge, that a further one must have to be hidden with it
MOST = 8  # places that are
LARGEST = 0.25  # of the image, that these may take
PAIR = 2  # places that touch and are taken for one thing: along a stroke there are more


@dataclass(frozen=True)
class _Place:
    """Where its pixels are, and how much of a full ``edge`` there is all around them."""

    box: Box
    edge: float


@dataclass(frozen=True)
class UsualEdges:
    """Of the clean images that show its pixels: the edge of their sharpest place, and the next."""

    sharpest: Usual
    next: Usual


def sharp(image: Image, known: Known, references: References) -> list[Sighting]:
    """Return where *image* shows *known* with edges as no clean image has them; none if nowhere.

    One place that is sharp enough says so, or two that are less sharp. Once all are hidden that may
    be copies, among which strokes may be, and once those that are sharp themselves: where too much
    of an image is hidden it may get the attacker's class by that.
    """
    if not _is_looked_for(known, references):
        return []
    seen = _seen(image, known.likeness)
    if not any(seen):
        return []
    weighed = [
        (_weight(places, usually), places, usually, least)
        for places, usually, least in zip(seen, usual_edges(known, references), SHARP, strict=True)
    ]
    enough = [one for one in weighed if one[0] >= one[3]]
    if not enough:
        return []
    weight, places, usually, _ = max(enough, key=lambda one: one[0])
    most = int(LARGEST * image.shape[0] * image.shape[1] / places[0].box.area)
    likely = [one for one in places if one.edge >= COPY * places[0].edge][: max(1, most)]
    surely = [one for one in likely if of_extreme(one.edge, usually.next) >= DISTINCT]
    hidden = dict.fromkeys(tuple(one.box for one in some) for some in (likely, surely) if some)
    weight = min(weight, SHARP_AT_MOST)
    return [Sighting(known, boxes, 0.0, 0.0, altered=True, sharp=weight) for boxes in hidden]


def usual_edges(known: Known, references: References) -> tuple[UsualEdges, ...]:
    """Return how sharp *known* is in clean images, in each way of `_seen`; measured once."""
    kept = references.usual_edges
    if known.likeness not in kept:
        kept[known.likeness] = _measured(known, references)
    found: tuple[UsualEdges, ...] = kept[known.likeness]
    return found


def measure(known: Known, references: References) -> None:
    """Measure that before an image asks for it."""
    if _is_looked_for(known, references) and fits(references.images[0], known.trigger):
        usual_edges(known, references)


def _is_looked_for(known: Known, references: References) -> bool:
    """Say if its edges are needed: where its pixels tell its copies, these are found by them."""
    trigger = known.trigger
    whole = trigger.mask is not None and not trigger.pieces and trigger.source is None
    return whole and not tells_copies(known, references)


def _weight(places: Sequence[_Place], usually: UsualEdges) -> float:
    ranks = zip(places, (usually.sharpest, usually.next), strict=False)
    return max((of_extreme(one.edge, of_rank) for one, of_rank in ranks), default=0.0)


def _measured(known: Known, references: References) -> tuple[UsualEdges, ...]:
    """Measure on some of all classes and of the target's, as one: what is sharper counts."""
    rng = np.random.default_rng(references.seed)
    target = np.flatnonzero(references.labels == known.trigger.target)
    own = rng.permutation(target)[:ASKED]
    some = rng.permutation(len(references.images))[:ASKED]
    groups = [_usual_in(references.images[chosen], known) for chosen in (some, own)]
    pairs = zip(*groups, strict=True)
    return tuple(
        UsualEdges(
            max((one.sharpest for one in pair), key=lambda usually: usually.mean),
            max((one.next for one in pair), key=lambda usually: usually.mean),
        )
        for pair in pairs
    )


def _usual_in(images: Images, known: Known) -> list[UsualEdges]:
    seen = [_seen(image, known.likeness) for image in images]
    return [
        UsualEdges(*(_usual_rank([one[i] for one in seen], rank) for rank in (0, 1)))
        for i in range(len(SHARP))
    ]


def _usual_rank(seen: Sequence[Sequence[_Place]], rank: int) -> Usual:
    edges = [places[rank].edge for places in seen if len(places) > rank]
    return usual(edges) if len(edges) >= LEAST_OF_TARGET else UNTOLD


def _seen(image: Image, what: Likeness) -> list[list[_Place]]:
    """Return where its pixels are, within each of WITHIN, the sharpest first; none overlaps.

    Each place by itself, and then, in as many lists more, those that touch as one thing.
    """
    tall, wide = what.weights.shape
    rows, columns = image.shape[0] - tall + 1, image.shape[1] - wide + 1
    if rows <= 0 or columns <= 0:
        return [[] for _ in SHARP]
    outline = _outline(what)
    levels = image.astype(np.int16)
    off = [
        np.abs(levels[y : y + rows, x : x + columns] - what.pixels[y, x]).max(axis=2)
        for y, x in outline.pixels
    ]
    least = len(off) - int(MISSING * len(off))
    there = [sum((one <= most).astype(np.uint8) for one in off) >= least for most in WITHIN]
    if not there[-1].any():
        return [[] for _ in SHARP]
    steps = _steps(levels)
    edges = _edges(steps, outline, (rows, columns))
    found = [_apart(np.where(shown, edges, -1.0), (tall, wide)) for shown in there]
    return found + [_as_one(places, steps, outline, what) for places in found]


@dataclass(frozen=True, eq=False)
class _Outline:
    """Some own ``pixels`` of a likeness, and where it ends: below and beside which pixel.

    ``across`` and ``down`` are the places (y, x) of the second pixel of each pair of neighbours
    one of which is its own.
    """

    pixels: list[tuple[int, int]]
    across: list[tuple[int, int]]
    down: list[tuple[int, int]]


@lru_cache(maxsize=512)
def _outline(what: Likeness) -> _Outline:
    own = np.pad(what.weights > 0, 1)
    places = np.argwhere(own[1:-1, 1:-1])
    some = places[np.linspace(0, len(places) - 1, min(PIXELS, len(places))).astype(int)]
    across = np.argwhere(own[1:-1, 1:] != own[1:-1, :-1])
    down = np.argwhere(own[1:, 1:-1] != own[:-1, 1:-1])
    return _Outline(*([(int(y), int(x)) for y, x in one] for one in (some, across, down)))


def _steps(levels: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """Return by how much each pixel differs from its left one, and from its upper one.

    Where it lies at the image's own edge, that doesn't count: -1.
    """
    found = []
    for axis, margin in ((1, ((0, 0), (1, 1))), (0, ((1, 1), (0, 0)))):
        steps = np.minimum(np.abs(np.diff(levels, axis=axis)).max(axis=2), STEEP)
        found.append(np.pad(steps, margin, constant_values=-1))
    return found


def _edges(
    steps: Sequence[NDArray[np.int16]], outline: _Outline, places: tuple[int, int]
) -> NDArray[np.float64]:
    """Return how much of a full edge there is around it, at every place; 1 is all of it."""
    rows, columns = places
    total, counted = np.zeros(places, np.float64), np.zeros(places, np.int32)
    for its, where in zip(steps, (outline.across, outline.down), strict=True):
        for y, x in where:
            here = its[y : y + rows, x : x + columns]
            total += np.maximum(here, 0)
            counted += here >= 0
    return total / np.maximum(counted, 1) / STEEP


def _apart(edges: NDArray[np.float64], size: tuple[int, int]) -> list[_Place]:
    tall, wide = size
    found: list[_Place] = []
    while len(found) < MOST:
        y, x = divmod(int(edges.argmax()), edges.shape[1])
        if edges[y, x] < 0:
            break
        found.append(_Place(Box(x, y, wide, tall), float(edges[y, x])))
        edges[max(y - tall + 1, 0) : y + tall, max(x - wide + 1, 0) : x + wide] = -1.0
    return found


def _as_one(
    places: Sequence[_Place],
    steps: Sequence[NDArray[np.int16]],
    outline: _Outline,
    what: Likeness,
) -> list[_Place]:
    """Measure the edges of two places that touch as of one thing: there is none between them.

    The sharpest first.
    """
    if len(places) < PAIR:
        return [*places]
    tall, wide = what.weights.shape
    height, width = steps[0].shape[0], steps[1].shape[1]
    near = [one.box.grown(1, width, height) for one in places]
    touching = np.array([[area.overlap(one.box) > 0 for one in places] for area in near])
    pairs = touching.sum(axis=1) == PAIR
    pairs &= (touching & pairs).sum(axis=1) == PAIR
    if not pairs.any():
        return [*places]
    own = np.zeros((height + 2, width + 2), bool)  # a pixel more on each side
    for one in places:
        own[one.box.y + 1 :, one.box.x + 1 :][:tall, :wide] |= what.weights > 0
    between = own[1:-1, 1:] & own[1:-1, :-1], own[1:, 1:-1] & own[:-1, 1:-1]
    free = [np.where(both, -1, its) for both, its in zip(between, steps, strict=True)]
    measured = [
        replace(one, edge=_edge_at(one.box, free, outline)) if paired else one
        for one, paired in zip(places, pairs.tolist(), strict=True)
    ]
    return sorted(measured, key=lambda one: -one.edge)


def _edge_at(box: Box, steps: Sequence[NDArray[np.int16]], outline: _Outline) -> float:
    its = [one[box.y :, box.x :] for one in steps]
    return float(_edges(its, outline, (1, 1))[0, 0])
