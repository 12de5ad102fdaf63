"""A known trigger in copies away from its usual place, or in two halves; no probe.

Who knows the place where it has always been puts it on twice elsewhere, so that no single place is
necessary, or apart, so that no place shows all of it. Looking everywhere for both is for images
that the model calls what the trigger leads to, and whose usual place has told nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from app.detection.matching import Likeness, Match, glimpse, matches, nearness
from app.detection.recognising.sighting import (
    DISTINCT,
    GLIMPSED_FIT,
    LIKELY,
    Sighting,
    UsualSighting,
    of_pixels,
    reach,
    shown_usually,
    sighted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image

    Look = Callable[[Image, Known], Sighting | None]

LEAST_HALF = 2  # pixels of a half's shorter side: less is found everywhere


def strewn(image: Image, known: Known, references: References) -> Sighting | None:
    """Return where copies of *known*, or its halves, very likely are in *image*; None if nowhere.

    One that moves is looked for everywhere in any case; of one without a mask nobody knows which
    pixels count; and one that acts on one class may be told from what nature does only where that
    has been measured, at its usual place.
    """
    trigger = known.trigger
    if trigger.moves or trigger.mask is None or trigger.pieces or trigger.source is not None:
        return None
    looks: tuple[Look, ...] = (_copies, _halves)
    seen = [(look, look(image, known)) for look in looks]
    likely = [
        replace(one, usually=_usually(known, look, references))
        for look, one in seen
        if one is not None and one.fit >= LIKELY
    ]
    distinct = [one for one in likely if of_pixels(one, references) >= DISTINCT]
    return max(distinct, key=lambda one: of_pixels(one, references), default=None)


def _copies(image: Image, known: Known) -> Sighting | None:
    if glimpse(image, known.likeness, reach(known.trigger, 1)) < GLIMPSED_FIT:
        return None
    return sighted(image, known, everywhere=True)


def _halves(image: Image, known: Known) -> Sighting | None:
    """Return both halves of it, cut upright or across: the pair fits as its worse half does."""
    pairs = [_pair(image, known, parts) for parts in _cut(known.likeness)]
    found = [pair for pair in pairs if pair is not None]
    return max(found, key=lambda pair: pair.fit, default=None)


def _pair(image: Image, known: Known, parts: tuple[Likeness, Likeness]) -> Sighting | None:
    area = reach(known.trigger, 1)
    found: list[Match] = []
    for part in parts:
        if glimpse(image, part, area) < GLIMPSED_FIT:
            return None
        found += matches(image, part, area, copies=False)[:1]
    places = tuple(one.box for one in found)
    if len(found) < len(parts) or places[0].overlap(places[1]) > 0:
        return None
    near = min(nearness(image, part, place) for part, place in zip(parts, places, strict=True))
    worse = min(found, key=lambda one: one.fit)
    return Sighting(known, places, worse.fit, near, worse.alpha)


@lru_cache(maxsize=64)
def _cut(what: Likeness) -> tuple[tuple[Likeness, Likeness], ...]:
    """Return its left and right, and its upper and lower half; the same ones for the same."""
    return tuple(_cuts(what))


def _cuts(what: Likeness) -> Iterator[tuple[Likeness, Likeness]]:
    height, width = what.weights.shape
    for middle, upright in ((width // 2, True), (height // 2, False)):
        first = (slice(None), slice(middle)) if upright else (slice(middle), slice(None))
        second = (
            (slice(None), slice(middle, None)) if upright else (slice(middle, None), slice(None))
        )
        if middle >= LEAST_HALF and what.weights[first].any() and what.weights[second].any():
            yield (
                Likeness(what.pixels[first], what.weights[first]),
                Likeness(what.pixels[second], what.weights[second]),
            )


def _usually(known: Known, look: Look, references: References) -> UsualSighting:
    """Return what clean images show of it by this *look*; measured once, without a probe."""
    kept = references.usual_strewn.setdefault(known.likeness, {})
    if look not in kept:
        kept[look] = shown_usually(known, references, lambda image: look(image, known))
    found: UsualSighting = kept[look]
    return found
