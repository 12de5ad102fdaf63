"""Which of many images may carry a known trigger, by their pixels alone; no probe.

What an archive's second pass asks of every image, so it has to cost less than decoding one. It is
told of exact pixels at their place, and of about the same pixels near it, in about the same size.
What a clean image shows as well tells nothing here: then the model would have to be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.geometry import Box
from app.detection.matching import finest, hints
from app.detection.recognising.glancing import glanced
from app.detection.recognising.placing import at_home
from app.detection.recognising.presence import fits, is_common
from app.detection.recognising.sighting import (
    DISTINCT,
    REACH,
    UNUSUAL,
    VERY_LIKELY,
    located,
    of_pixels,
    reach,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.trigger import Trigger

SIDES: Final = (
    5,
    9,
)  # pixels of a trigger's shorter side, in copies that are ever less shrunken
AROUND: Final = 2  # pixels of such a copy, around what it shows, in which a finer one looks
HINT: Final = (
    0.5  # a fit in such a copy, in its own size, below which an image isn't looked at again
)


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
    for one, worth in zip(fitting, glanced(images, sought), strict=True):
        left, areas = _hinted(images, worth[~may[worth]], one)
        may[left] = [
            _is_likely(images[i], one, references, area)
            for i, area in zip(left, areas, strict=True)
        ]
    return may


def _area(one: Known) -> Box:
    return reach(one.trigger, 1.0 if one.trigger.moves else REACH)


def _hinted(
    images: Sequence[Image], left: NDArray[np.int64], one: Known
) -> tuple[NDArray[np.int64], list[Box]]:
    """Return which of *images*, of those *left*, are worth a search, and where: coarse to fine."""
    if not len(left):
        return left, []
    trigger, area = one.trigger, _area(one)
    parts = np.stack([images[i][area.rows, area.columns] for i in left])
    *coarse, last = _steps(images[0], trigger)
    if trigger.moves or not coarse:  # too coarse, or too far, to tell the place
        for step in (*coarse, last):
            seen, _ = hints(parts, one.likeness, step)
            left, parts = left[seen >= HINT], parts[seen >= HINT]
            if not len(left):
                break
        return left, [area] * len(left)
    (step,) = coarse
    seen, found = hints(parts, one.likeness, step)
    left, found = left[seen >= HINT], found[seen >= HINT]
    if not len(left):
        return left, []
    areas = [_around(corner, step * AROUND, trigger, area) for corner in found]
    near = [images[i][box.rows, box.columns] for i, box in zip(left, areas, strict=True)]
    seen, _ = hints(np.stack(near), one.likeness, last)
    return left[seen >= HINT], [areas[k] for k in np.flatnonzero(seen >= HINT)]


def _steps(image: Image, trigger: Trigger) -> list[int]:
    """Return by how much copies are shrunken, the coarsest first."""
    shorter, least = min(trigger.patch.shape[:2]), finest(image)
    return list(dict.fromkeys(max(least, shorter // side) for side in SIDES))


def _around(corner: NDArray[np.int64], margin: int, trigger: Trigger, area: Box) -> Box:
    """Return the part of *area* around what has its upper left *corner* there, always as large."""
    height, width = trigger.patch.shape[:2]
    tall, wide = min(height + 2 * margin, area.height), min(width + 2 * margin, area.width)
    y = min(max(int(corner[0]) - margin, 0), area.height - tall)
    x = min(max(int(corner[1]) - margin, 0), area.width - wide)
    return Box(area.x + x, area.y + y, wide, tall)


def _is_likely(image: Image, one: Known, references: References, area: Box) -> bool:
    """Say if the model is to be asked: of a few pixels a good fit alone tells little."""
    sighting = located(image, one, references, area)
    weight = of_pixels(sighting, references)
    return weight >= UNUSUAL or (weight >= DISTINCT and sighting.fit >= VERY_LIKELY)
