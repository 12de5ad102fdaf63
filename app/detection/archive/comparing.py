"""Which of many images may carry a known trigger, by their pixels alone; no probe.

What an archive's second pass asks of every image, so it has to cost less than decoding one. It is
told of exact pixels at their place, and of about the same pixels near it, in about the same size.
What a clean image shows as well tells nothing here: then the model would have to be asked.

Of most images glances say that none is there, and glances don't need all pixels: so images that are
decoded faster to half their sides are glanced at first, and only what is left is read in full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.archive.placing import at_home
from app.detection.evidence.weighing import of_extreme
from app.detection.geometry import Box
from app.detection.matching import HALF, RING, finest, hint
from app.detection.matching.glancing import glanced, is_fine, looked, step_of
from app.detection.recognising.presence import fits, fits_in, is_common
from app.detection.recognising.sighting import (
    DISTINCT,
    REACH,
    UNUSUAL,
    VERY_LIKELY,
    Sighting,
    located,
    of_pixels,
    reach,
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

    Size = tuple[int, ...]

SIDES: Final = (5, 9)  # pixels of a trigger's shorter side, in the last glance and in a finer one
WORTH: Final = 0.6  # fit in the finer copy, in its own size, below which it isn't searched for
WORTH_OF_NOISE: Final = 0.5  # the same for what has too many small pixels for that copy
AROUND: Final = 2  # pixels of the copy, around what it shows, in which the finer one looks
HALVED_SIDE: Final = 11  # pixels of a trigger's shorter side, from which on half of them are enough
HALVED_AT_MOST: Final = 512  # pixels of an image's side; of a larger one halves are shrunken again
KEPT: Final = 0.78  # share of a trigger, what sets its pixels apart, that half the sides keep
WORTH_READING: Final = 0.5  # fit in the finer copy of half the sides, below which it isn't read


def may_carry(
    images: Sequence[Image], known: tuple[Known, ...], references: References
) -> NDArray[np.bool_]:
    """Return which of *images*, all of one size, show about the pixels of one of *known* (n,)."""
    return _searched(images, *_told(images, known, references), references)


@dataclass(frozen=True)
class _Unclear:
    """An ``image``, by its number, in some ``area`` of which only a search tells if it may carry.

    That takes as long as decoding ten images: so it comes last, the one whose finer copy has the
    greatest ``weight`` before others, and only where nothing else tells that the model is to be
    asked about the image anyhow.
    """

    image: int
    known: Known
    area: Box
    weight: float


def _searched(
    images: Sequence[Image],
    may: NDArray[np.bool_],
    unclear: Sequence[_Unclear],
    references: References,
) -> NDArray[np.bool_]:
    """Return which of *images* *may* carry a trigger, with those that were *unclear* searched."""
    for one in sorted(unclear, key=lambda one: -one.weight):
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
    sought = [(one.likeness, _area(one)) for one in fitting]
    for one, hints in zip(fitting, glanced(images, sought), strict=True):
        left = hints[~may[hints.left]]
        for i, fit, area, near in _narrowed(images, left, one, _worth(images, one)):
            if near is not None and _is_likely_near(images[i], one, references, near):
                may[i] = True
            else:
                weight = of_extreme(fit, usual_sighting(one, references).fit)
                unclear.append(_Unclear(i, one, area, weight))
    return may, unclear


def can_halve(known: tuple[Known, ...], size: Size) -> bool:
    """Say if for all *known* half the sides of an image of this *size* are enough to glance at."""
    fitting = [one for one in known if fits_in(size, one.trigger)]
    sides = [min(one.trigger.patch.shape[:2]) for one in fitting]
    if min(sides, default=0) < HALVED_SIDE or max(size) > HALVED_AT_MOST:
        return False
    return min(_kept(one) for one in fitting) >= KEPT


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
    sought = [_halved(known[i]) for i in fitting]
    for i, there in zip(fitting, at_home(halves, sought), strict=True):
        if there.any() and not is_common(known[i], references):
            worth[:, i] = there
    areas = [(one.likeness, _area(one)) for one in sought]
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


@lru_cache(maxsize=512)
def _kept(one: Known) -> float:
    """Return how much of a trigger half the sides keep, 0 to 1, in the mean of where it may begin.

    That is at either of two pixels, down and across: of cells of two pixels all is left there, or
    nothing. It is the share of its variance; or of its own pixels, if that is less, those that stay
    by most of a pixel.
    """
    own = one.likeness.weights[..., None].astype(np.float64)
    patch = one.trigger.patch.astype(np.float64)
    starts = [(down, across) for down in (0, 1) for across in (0, 1)]
    kept = [_kept_from(patch[down:, across:], own[down:, across:]) for down, across in starts]
    return sum(kept) / len(starts)


def _kept_from(patch: NDArray[np.float64], own: NDArray[np.float64]) -> float:
    height, width = (length // 2 * 2 for length in own.shape[:2])
    patch, own = patch[:height, :width], own[:height, :width]
    total, fours = max(own.sum(), 1e-6), _fours(own)
    off = patch - (patch * own).sum(axis=(0, 1)) / total
    square = (off**2 * own).sum()
    left = 4 * (_fours(off * own) ** 2 / np.maximum(fours, 1e-6)).sum()
    contrast = left / square if square > total else 1.0  # of one colour
    return float(min(contrast, 4 * fours[fours > HALF].sum() / total))


def _fours(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    means: NDArray[np.float64] = pixels.reshape(height, 2, width, 2, -1).mean(axis=(1, 3))
    return means


@lru_cache(maxsize=512)
def _halved(one: Known) -> Known:
    """Return a trigger as it is in half the sides of an image.

    At an odd place that is half a pixel off: it is looked for around it anyhow.
    """
    trigger = one.trigger
    box, own = trigger.box, one.likeness.weights[..., None]
    height, width = box.height // 2, box.width // 2
    both = np.concatenate([trigger.patch * own, own], axis=2)[: 2 * height, : 2 * width]
    fours = _fours(both)
    weights = fours[..., -1:]
    half = replace(
        trigger,
        box=Box(box.x // 2, box.y // 2, width, height),
        patch=np.rint(fours[..., :-1] / np.maximum(weights, 1e-6)).astype(np.uint8),
        mask=weights[..., 0] >= HALF,
        image_height=-(-trigger.image_height // 2),
        image_width=-(-trigger.image_width // 2),
    )
    return replace(one, trigger=half)


def _worth(images: Sequence[Image], one: Known) -> float:
    fine = is_fine(one.likeness, step_of(one.likeness, SIDES[1], finest(images[0])))
    return WORTH_OF_NOISE if fine else WORTH


def _area(one: Known) -> Box:
    return reach(one.trigger, 1.0 if one.trigger.moves else REACH)


def _narrowed(
    images: Sequence[Image], hints: Hints, one: Known, worth: float
) -> Iterator[tuple[int, float, Box, Box | None]]:
    """Yield which of *images* are worth a search by a finer copy, too, in which area, and where.

    That is just around its place as the finer copy has it; None where that can't tell. It has to
    fit there as well as it is *worth*.
    """
    trigger, area = one.trigger, _area(one)
    least = finest(images[0])
    coarse, step = (step_of(one.likeness, side, least) for side in SIDES)
    areas = [area] * len(hints.left)
    if step == coarse:  # too coarse to tell the place
        yield from (
            (i, float(fit), area, None)
            for i, fit in zip(hints.left.tolist(), hints.fits, strict=True)
        )
        return
    if not trigger.moves:
        areas = [_around(corner, coarse * AROUND, trigger, area) for corner in hints.corners]
    finer = looked(images, hints.left, one.likeness, areas, step)
    for k in np.flatnonzero(finer.fits >= worth).tolist():
        near = _around(finer.corners[k], step + RING, trigger, area)
        yield int(finer.left[k]), float(finer.fits[k]), areas[k], near


def _around(corner: NDArray[np.int64], margin: int, trigger: Trigger, area: Box) -> Box:
    """Return the part of *area* around what has its upper left *corner* there, always as large."""
    height, width = trigger.patch.shape[:2]
    tall, wide = min(height + 2 * margin, area.height), min(width + 2 * margin, area.width)
    y = min(max(int(corner[0]) - margin, area.y), area.y + area.height - tall)
    x = min(max(int(corner[1]) - margin, area.x), area.x + area.width - wide)
    return Box(x, y, wide, tall)


def _is_likely_near(image: Image, one: Known, references: References, near: Box) -> bool:
    """Say if its own size tells that the model is to be asked: of noise a search may miss it."""
    here = Sighting(one, (near,), hint(image, one.likeness, near), 0.0)
    return _says_so(here, references)


def _says_so(sighting: Sighting, references: References) -> bool:
    """Say if the model is to be asked: of a few pixels a good fit alone tells little."""
    weight = of_pixels(sighting, references)
    return weight >= UNUSUAL or (weight >= DISTINCT and sighting.fit >= VERY_LIKELY)
