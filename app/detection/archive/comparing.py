"""Which of many images may carry a known trigger, by their pixels alone; no probe.

What an archive's second pass asks of every image, so it has to cost less than decoding one. It is
told of exact pixels at their place, and of about the same pixels near it, in about the same size.
What a clean image shows as well tells nothing here: then the model would have to be asked.

Of most images glances say that none is there, and glances don't need all pixels: so images that are
decoded faster to half their sides are glanced at first, and only what is left is read in full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.archive.halving import halved
from app.detection.archive.placing import at_home
from app.detection.evidence.weighing import extreme, extreme_fit
from app.detection.geometry import Box
from app.detection.matching import RING, finest, hint, nearness
from app.detection.matching.glancing import glanced, is_fine, looked, step_of
from app.detection.recognising.presence import fits, fits_in, is_common
from app.detection.recognising.sighting import (
    DISTINCT,
    UNUSUAL,
    VERY_LIKELY,
    Sighting,
    located,
    looked_at,
    of_pixels,
    usual_sighting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.matching.glancing import Hints
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.trigger import Trigger

SIDES: Final = (5, 9)  # pixels of a trigger's shorter side, in the last glance and in a finer one
WORTH: Final = 0.6  # fit in the finer copy, in its own size, below which it isn't searched for
WORTH_OF_NOISE: Final = 0.5  # the same for what has too many small pixels for that copy
SHORT: Final = 0.25  # of the fit that is needed, that the finer copy may show less for a search
SHARE: Final = 0.4  # of the pixels that are needed as they were, that it has to show otherwise
AROUND: Final = 2  # pixels of the copy, around what it shows, in which the finer one looks
WORTH_READING: Final = 0.5  # fit in the finer copy of half the sides, below which it isn't read


def may_carry(
    images: Sequence[Image], known: tuple[Known, ...], references: References
) -> NDArray[np.bool_]:
    """Return which of *images*, all of one size, show about the pixels of one of *known* (n,)."""
    return _searched(images, *_told(images, known, references), references)


@dataclass(frozen=True)
class _Unclear:
    """An ``image``, by its number, in some ``area`` of which only a search tells if it may carry.

    That takes as long as decoding ten images: so it comes last, and only where nothing else tells
    that the model is to be asked about the image anyhow.
    """

    image: int
    known: Known
    area: Box


def _searched(
    images: Sequence[Image],
    may: NDArray[np.bool_],
    unclear: Sequence[_Unclear],
    references: References,
) -> NDArray[np.bool_]:
    """Return which of *images* *may* carry a trigger, with those that were *unclear* searched."""
    for one in unclear:
        if not may[one.image]:
            found = located(images[one.image], one.known, references, one.area)
            may[one.image] = _says_so(found, references)
    return may


def _told(
    images: Sequence[Image], known: tuple[Known, ...], references: References
) -> tuple[NDArray[np.bool_], list[_Unclear]]:
    """Return which of *images* show one of *known*, as far as no search is needed, and the rest."""
    fitting = [one for one in known if fits(images[0], one.trigger)]
    may = np.zeros(len(images), bool)
    for one, there in zip(fitting, at_home(images, fitting), strict=True):
        if there.any() and not is_common(one, references):
            may |= there
    unclear: list[_Unclear] = []
    sought = [(one.core, looked_at(one.trigger)) for one in fitting]
    for one, hints in zip(fitting, glanced(images, sought), strict=True):
        left = hints[~may[hints.left]]
        for i, place in _narrowed(images, left, one, _worth(images, one)):
            here = _just_there(images[i], one, place)
            if here is not None and _says_so(here, references):
                may[i] = True
            elif here is None or not _is_short(images[i], here, place, references):
                unclear.append(_Unclear(i, one, place.area))
    return may, unclear


@dataclass(frozen=True)
class _Place:
    """Where a finer copy has a trigger: the ``corner`` of its own size, which fits to ``fit``.

    A search looks in ``area``, its own size ``near`` that corner; None where the copy can't tell.
    """

    corner: NDArray[np.int64]
    fit: float
    area: Box
    near: Box | None


def worth_reading(
    halves: Sequence[Image], known: tuple[Known, ...], references: References
) -> NDArray[np.bool_]:
    """Return which of images may show which of *known*, by *halves* of their sides (n, known).

    In full they have the size of the *references*, that `can_halve`. Others needn't be read in full
    for it, by the glances that `may_carry` takes as well.
    """
    worth = np.zeros((len(halves), len(known)), bool)
    fitting = [
        i for i, one in enumerate(known) if fits_in(references.images.shape[1:], one.trigger)
    ]
    sought = [halved(known[i]) for i in fitting]
    for i, there in zip(fitting, at_home(halves, sought), strict=True):
        if there.any() and not is_common(known[i], references):
            worth[:, i] = there
    areas = [(one.core, looked_at(one.trigger)) for one in sought]
    for i, one, hints in zip(fitting, sought, glanced(halves, areas), strict=True):
        for image, *_ in _narrowed(halves, hints, one, WORTH_READING):
            worth[image, i] = True
    return worth


def may_carry_what(
    images: Sequence[Image],
    worth: NDArray[np.bool_],
    known: tuple[Known, ...],
    references: References,
) -> NDArray[np.bool_]:
    """Return which of *images* may carry one of *known* for which they are *worth* it (n,)."""
    may, unclear = np.zeros(len(images), bool), []
    for one, some in zip(known, worth.T, strict=True):
        left = np.flatnonzero(some & ~may)
        if len(left):
            told, rest = _told([images[i] for i in left.tolist()], (one,), references)
            may[left] = told
            unclear += [replace(each, image=int(left[each.image])) for each in rest]
    return _searched(images, may, unclear, references)


def _worth(images: Sequence[Image], one: Known) -> float:
    return WORTH_OF_NOISE if _is_noise(one, images[0]) else WORTH


def _is_noise(one: Known, image: Image) -> bool:
    return is_fine(one.core, step_of(one.core, SIDES[1], finest(image)))


def _narrowed(
    images: Sequence[Image], hints: Hints, one: Known, worth: float
) -> Iterator[tuple[int, _Place]]:
    """Yield which of *images* are worth a search by a finer copy, too, in which area, and where.

    That is just around its place as the finer copy has it; None where that can't tell. It has to
    fit there as well as it is *worth*.
    """
    trigger, area = one.trigger, looked_at(one.trigger)
    least = finest(images[0])
    coarse, step = (step_of(one.core, side, least) for side in SIDES)
    areas = [area] * len(hints.left)
    if step == coarse:  # too coarse to tell the place
        for i, corner, fit in zip(hints.left.tolist(), hints.corners, hints.fits, strict=True):
            yield i, _Place(corner, float(fit), area, None)
        return
    if not trigger.moves:
        areas = [_around(corner, coarse * AROUND, trigger, area) for corner in hints.corners]
    finer = looked(images, hints.left, one.core, areas, step)
    for k in np.flatnonzero(finer.fits >= worth).tolist():
        corner = finer.corners[k]
        near = _around(corner, step + RING, trigger, area)
        yield int(finer.left[k]), _Place(corner, float(finer.fits[k]), areas[k], near)


def _around(corner: NDArray[np.int64], margin: int, trigger: Trigger, area: Box) -> Box:
    """Return the part of *area* around what has its upper left *corner* there, always as large."""
    height, width = trigger.patch.shape[:2]
    tall, wide = min(height + 2 * margin, area.height), min(width + 2 * margin, area.width)
    y = min(max(int(corner[0]) - margin, area.y), area.y + area.height - tall)
    x = min(max(int(corner[1]) - margin, area.x), area.x + area.width - wide)
    return Box(x, y, wide, tall)


def _just_there(image: Image, one: Known, place: _Place) -> Sighting | None:
    """Return what its own size shows there of *image* itself: of noise a search may miss that."""
    if place.near is None:
        return None
    return Sighting(one, (place.near,), hint(image, one.core, place.near), 0.0)


def _is_short(image: Image, here: Sighting, place: _Place, references: References) -> bool:
    """Say if so little is *here* that a search hardly finds enough for the model to be asked.

    By what is usual of just this trigger: of a soft one clean images show much. Of noise copies
    tell nothing, and a search finds it in its own size alone.
    """
    one = here.known
    usually = usual_sighting(one, references)
    likely, distinct = (extreme_fit(weight, usually.fit) for weight in (UNUSUAL, DISTINCT))
    enough = min(likely, max(distinct, VERY_LIKELY))
    seen = here.fit if _is_noise(one, image) else max(here.fit, place.fit)
    if seen >= enough - SHORT:
        return False
    weight = DISTINCT if seen >= VERY_LIKELY - SHORT else UNUSUAL
    shown = nearness(image, one.core, _own_box(image, one.trigger, place.corner))
    return shown < SHARE * extreme(weight, usually.near)


def _own_box(image: Image, trigger: Trigger, corner: NDArray[np.int64]) -> Box:
    """Return the box of the trigger's size at that *corner*, moved into the image."""
    tall, wide = trigger.patch.shape[:2]
    height, width = image.shape[:2]
    return Box(min(int(corner[1]), width - wide), min(int(corner[0]), height - tall), wide, tall)


def _says_so(sighting: Sighting, references: References) -> bool:
    """Say if the model is to be asked: of a few pixels a good fit alone tells little."""
    weight = of_pixels(sighting, references)
    return weight >= UNUSUAL or (weight >= DISTINCT and sighting.fit >= VERY_LIKELY)
