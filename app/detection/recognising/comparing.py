"""Which of many images may carry a known trigger, by their pixels alone; no probe.

What an archive's second pass asks of every image, so it has to cost less than decoding one. It is
told of exact pixels at their place, and of about the same pixels near it, in about the same size.
What a clean image shows as well tells nothing here: then the model would have to be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.geometry import Box
from app.detection.matching import RING, finest, hint
from app.detection.matching.glancing import glanced, is_fine, looked, step_of
from app.detection.recognising.placing import at_home
from app.detection.recognising.presence import fits, is_common
from app.detection.recognising.sighting import (
    DISTINCT,
    REACH,
    UNUSUAL,
    VERY_LIKELY,
    Sighting,
    located,
    of_pixels,
    reach,
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
AROUND: Final = 2  # pixels of the copy, around what it shows, in which the finer one looks


def may_carry(
    images: Sequence[Image], known: tuple[Known, ...], references: References
) -> NDArray[np.bool_]:
    """Return which of *images*, all of one size, show about the pixels of one of *known* (n,)."""
    fitting = [one for one in known if fits(images[0], one.trigger)]
    may = np.zeros(len(images), bool)
    for one, there in zip(fitting, at_home(images, fitting), strict=True):
        if there.any() and not is_common(one, references):
            may |= there
    sought = [(one.likeness, _area(one)) for one in fitting]
    for one, hints in zip(fitting, glanced(images, sought), strict=True):
        for i, area, near in _narrowed(images, hints[~may[hints.left]], one):
            may[i] = _is_likely(images[i], one, references, area, near)
    return may


def _area(one: Known) -> Box:
    return reach(one.trigger, 1.0 if one.trigger.moves else REACH)


def _narrowed(
    images: Sequence[Image], hints: Hints, one: Known
) -> Iterator[tuple[int, Box, Box | None]]:
    """Yield which of *images* are worth a search by a finer copy, too, in which area, and where.

    That is just around its place as the finer copy has it; None where that can't tell.
    """
    trigger, area = one.trigger, _area(one)
    least = finest(images[0])
    coarse, step = (step_of(one.likeness, side, least) for side in SIDES)
    areas = [area] * len(hints.left)
    if step == coarse:  # too coarse to tell the place
        yield from ((i, area, None) for i in hints.left.tolist())
        return
    if not trigger.moves:
        areas = [_around(corner, coarse * AROUND, trigger, area) for corner in hints.corners]
    finer = looked(images, hints.left, one.likeness, areas, step)
    worth = WORTH_OF_NOISE if is_fine(one.likeness, step) else WORTH
    for k in np.flatnonzero(finer.fits >= worth).tolist():
        yield int(finer.left[k]), areas[k], _around(finer.corners[k], step + RING, trigger, area)


def _around(corner: NDArray[np.int64], margin: int, trigger: Trigger, area: Box) -> Box:
    """Return the part of *area* around what has its upper left *corner* there, always as large."""
    height, width = trigger.patch.shape[:2]
    tall, wide = min(height + 2 * margin, area.height), min(width + 2 * margin, area.width)
    y = min(max(int(corner[0]) - margin, area.y), area.y + area.height - tall)
    x = min(max(int(corner[1]) - margin, area.x), area.x + area.width - wide)
    return Box(x, y, wide, tall)


def _is_likely(
    image: Image, one: Known, references: References, area: Box, near: Box | None
) -> bool:
    """Say if the model is to be asked: of a few pixels a good fit alone tells little.

    Of many small ones, noise, the search's own copy may miss the place that is *near*.
    """
    if near is not None:
        here = Sighting(one, (near,), hint(image, one.likeness, near), 0.0)
        if _says_so(here, references):
            return True
    return _says_so(located(image, one, references, area), references)


def _says_so(sighting: Sighting, references: References) -> bool:
    weight = of_pixels(sighting, references)
    return weight >= UNUSUAL or (weight >= DISTINCT and sighting.fit >= VERY_LIKELY)
