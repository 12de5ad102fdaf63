"""A known trigger in copies away from its usual place, or in two halves; no probe.

Who knows the place where it has always been puts it on twice elsewhere, so that no single place is
necessary, or apart, so that no place shows all of it. Looking everywhere for both is for images
that the model calls what the trigger leads to, and whose usual place has told nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.weighing import of_extreme, of_fit
from app.detection.matching import LEVELS, Likeness, Match, match_at, matches, nearness, spotted
from app.detection.recognising.sighting import (
    DISTINCT,
    GLIMPSED_FIT,
    LIKELY,
    UNUSUAL,
    VERY_LIKELY,
    Sighting,
    UsualSighting,
    is_altered,
    of_pixels,
    reach,
    shown_usually,
    sighted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.trigger import Trigger

    Look = Callable[[Image, Known], Sighting | None]

LEAST_HALF = 2  # pixels of a half's shorter side: less is found everywhere
PIXELS, OF_THEM = 6, 4  # of a copy or a half, of which so many must be somewhere together
FAINTER = 3  # times the levels by which a pixel may differ: so many in a copy
LEAST_SHARE = 0.027  # of the image's side, that it must have as well: less can't be shrunken


def strewn(image: Image, known: Known, references: References) -> Sighting | None:
    """Return where copies of *known*, or its halves, very likely are in *image*; None if nowhere.

    Of one without a mask or an outline nobody knows which pixels count; and one that acts on one
    class may be told from what nature does only where that has been measured, at its usual place.
    """
    if not _is_looked_for(known.trigger):
        return None
    looks = [look for look in (_copies, _halves) if _may_tell(known, look, references)]
    seen = [(look, look(image, known)) for look in looks]
    likely = [
        replace(one, usually=_usually(known, look, references))
        for look, one in seen
        if one is not None and one.fit >= LIKELY
    ]
    distinct = [one for one in likely if of_pixels(one, references) >= DISTINCT]
    if not distinct:
        return None
    best = max(distinct, key=lambda one: of_pixels(one, references))
    return _where_it_surely_is(image, best)


def _where_it_surely_is(image: Image, seen: Sighting) -> Sighting:
    """Leave out places that don't show all of it, as its usual one, where others surely do."""
    if seen.fit < VERY_LIKELY or not _is_unusual(seen):
        return seen
    fits_at = [match_at(image, seen.known.core, place).fit for place in seen.places]
    shown = [at for at, fit in zip(seen.places, fits_at, strict=True) if fit >= VERY_LIKELY]
    return replace(seen, places=tuple(shown)) if shown else seen


def _is_unusual(seen: Sighting) -> bool:
    """Say if clean images show much less of it, by the fit itself.

    Most of them show no copy, and a few strokes as much as 0.8: what these leave unexplained isn't
    spread as an extreme is, and one of them was taken for the whole trigger.
    """
    usually = seen.usually
    if usually is None:
        return False
    weights = of_extreme(seen.fit, usually.fit), of_extreme(seen.near, usually.near)
    return max(weights) >= UNUSUAL


def _may_tell(known: Known, look: Look, references: References) -> bool:
    """Say if all of it would be distinct from what clean images show of it by this *look*.

    Where strokes of digits look like it, nothing would, and no image needs to be looked at. It may
    until that was measured.
    """
    kept = references.usual_strewn.get(known.likeness, {}).get(look)
    return kept is None or max(of_fit(1.0, kept.fit), of_extreme(1.0, kept.near)) >= DISTINCT


def tells_copies(known: Known, references: References) -> bool:
    """Say if copies of *known* would be told by its pixels, as far as that was measured."""
    return _is_looked_for(known.trigger) and _may_tell(known, _copies, references)


def measure(known: Known, references: References) -> None:
    """Measure what clean images show of its copies and halves, before an image asks for it."""
    if _is_looked_for(known.trigger):
        for look in (_copies, _halves):
            _usually(known, look, references)


def _is_looked_for(trigger: Trigger) -> bool:
    told = trigger.mask is not None or trigger.outline is not None
    return told and not trigger.pieces and trigger.source is None


def _copies(image: Image, known: Known) -> Sighting | None:
    if not _may_show(image, known.core, FAINTER * LEVELS):
        return None
    spot = spotted(image, known.core, reach(known.trigger, 1))
    if spot is None or spot.fit < GLIMPSED_FIT:
        return None
    return sighted(image, known, everywhere=True)


def _halves(image: Image, known: Known) -> Sighting | None:
    """Return both halves of it, cut upright or across: the pair fits as its worse half does."""
    pairs = [_pair(image, known, parts) for parts in _cut(known.likeness, image.shape[:2])]
    found = [pair for pair in pairs if pair is not None]
    return max(found, key=lambda pair: pair.fit, default=None)


def _pair(image: Image, known: Known, parts: tuple[Likeness, Likeness]) -> Sighting | None:
    height, width = image.shape[:2]
    found: list[Match] = []
    if not all(_may_show(image, part, LEVELS) for part in parts):
        return None
    for part in parts:
        spot = spotted(image, part, reach(known.trigger, 1))
        if spot is None or spot.fit < GLIMPSED_FIT:
            return None
        around = spot.box.grown(max(part.weights.shape), width, height)
        found += matches(image, part, around, copies=False)[:1]
    places = tuple(one.box for one in found)
    if len(found) < len(parts) or places[0].overlap(places[1]) > 0:
        return None
    near = min(nearness(image, part, place) for part, place in zip(parts, places, strict=True))
    worse = min(found, key=lambda one: one.fit)
    return Sighting(known, places, worse.fit, near, is_altered(worse))


def _may_show(image: Image, part: Likeness, levels: int) -> bool:
    """Say if a few of its pixels are somewhere in *image* together, within so many *levels*.

    Most images are out by that. Copies, and still more halves, have to be about as opaque as the
    trigger is known, or they wouldn't act. All pixels are compared with all of the image at once;
    then the places of one pixel are those of the first, so much farther on.
    """
    height, width, channels = image.shape
    few = _few(part, (height, width), levels)
    if few.places <= 0:
        return False
    off = np.ascontiguousarray(image.reshape(-1, channels).T) - few.lowest  # below it: wraps around
    near = np.logical_and.reduce(off <= few.spans, axis=1).view(np.int8)  # else each sum casts it
    together = np.zeros(few.places, np.int8)
    for shown, step in zip(near, few.steps, strict=True):
        together += shown[step : step + few.places]
    begins = np.flatnonzero(together >= OF_THEM)
    return bool((begins % width <= width - part.weights.shape[1]).any())


@dataclass(frozen=True, eq=False)
class _Few:
    """Some pixels of a likeness: the ``lowest`` levels that count (n, c, 1), and the ``spans``.

    In an image whose rows are put one after the other the first is at ``places`` places, and each
    is so many ``steps`` (n,) behind.
    """

    lowest: NDArray[np.uint8]
    spans: NDArray[np.uint8]
    steps: list[int]
    places: int


@lru_cache(maxsize=512)
def _few(part: Likeness, size: tuple[int, int], levels: int) -> _Few:
    """Return the few of *part* that are looked for in an image of *size*, within *levels*."""
    rows, columns = np.nonzero(part.weights)
    few = np.linspace(0, len(rows) - 1, PIXELS).astype(int)
    rows, columns = rows[few], columns[few]
    pixels = part.pixels[rows, columns].astype(np.int16)[..., None]
    lowest, highest = np.clip([pixels - levels, pixels + levels], 0, 255).astype(np.uint8)
    (height, width), (tall, wide) = size, part.weights.shape
    fits = tall <= height and wide <= width
    places = (height - tall) * width + width - wide + 1 if fits else 0
    return _Few(lowest, highest - lowest, (rows * width + columns).tolist(), places)


@lru_cache(maxsize=64)
def _cut(what: Likeness, size: tuple[int, int]) -> tuple[tuple[Likeness, Likeness], ...]:
    """Return the left and right, and the upper and lower half, for an image of *size*.

    The same ones for the same: they are known by what they are, as `Likeness` are.
    """
    least = max(LEAST_HALF, LEAST_SHARE * min(size))
    height, width = what.weights.shape
    pairs = [
        (
            _part(what, slice(None), slice(width // 2)),
            _part(what, slice(None), slice(width // 2, None)),
        ),
        (
            _part(what, slice(height // 2), slice(None)),
            _part(what, slice(height // 2, None), slice(None)),
        ),
    ]
    return tuple(
        (one, other)
        for one, other in pairs
        if min(one.weights.shape) >= least and one.weights.any() and other.weights.any()
    )


def _part(what: Likeness, rows: slice, columns: slice) -> Likeness:
    return Likeness(what.pixels[rows, columns], what.weights[rows, columns])


def _usually(known: Known, look: Look, references: References) -> UsualSighting:
    """Return what clean images show of it by this *look*; measured once, without a probe."""
    kept = references.usual_strewn.setdefault(known.likeness, {})
    if look not in kept:
        kept[look] = shown_usually(known, references, lambda image: look(image, known))
    found: UsualSighting = kept[look]
    return found
