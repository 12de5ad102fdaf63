"""Which of many images may carry a known trigger, by their pixels alone; no probe.

What an archive's second pass asks of every image, so it has to cost less than decoding one. It is
told of exact pixels at their place, and of about the same pixels near it, in about the same size.
What a clean image shows as well tells nothing here: then the model would have to be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.matching import finest, hints
from app.detection.recognising.presence import at_their_places, fits, is_common
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
    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images

SIDES: Final = (
    3,
    5,
    9,
)  # pixels of a trigger's shorter side, in copies that are ever less shrunken
HINT: Final = (
    0.5  # a fit in such a copy, in its own size, below which an image isn't looked at again
)


def may_carry(
    images: Images, known: tuple[Known, ...], references: References
) -> NDArray[np.bool_]:
    """Return which of *images* (n, h, w, c) show about the pixels of one of *known* (n,)."""
    fitting = tuple(one for one in known if fits(images[0], one.trigger))
    may = np.array([_at_its_place(image, fitting, references) for image in images])
    for one in fitting:
        left = _hinted(images, np.flatnonzero(~may), one)
        may[left] = [_is_likely(images[i], one, references) for i in left]
    return may


def _at_its_place(image: Image, known: tuple[Known, ...], references: References) -> bool:
    there = at_their_places(image, known)
    return any(
        is_there and not is_common(one, references)
        for one, is_there in zip(known, there, strict=True)
    )


def _hinted(images: Images, left: NDArray[np.int64], one: Known) -> NDArray[np.int64]:
    """Return which of *images*, of those *left*, are worth a search: coarse to fine."""
    area = reach(one.trigger, 1.0 if one.trigger.moves else REACH)
    parts = images[:, area.rows, area.columns]
    shorter, least = min(one.trigger.patch.shape[:2]), finest(images[0])
    for step in dict.fromkeys(max(least, shorter // side) for side in SIDES):
        if len(left):
            left = left[hints(parts[left], one.likeness, step) >= HINT]
    return left


def _is_likely(image: Image, one: Known, references: References) -> bool:
    """Say if the model is to be asked: of a few pixels a good fit alone tells little."""
    sighting = located(image, one, references)
    weight = of_pixels(sighting, references)
    return weight >= UNUSUAL or (weight >= DISTINCT and sighting.fit >= VERY_LIKELY)
