"""How often clean images of a class can't do without a place (`docs/detection.md` 3.10)."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.reference_set.references import places_asked
from app.detection.search import Purpose, probe_for_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search
    from app.detection.trigger import Blocker

ASKED: Final = 24
"""Clean images of the class that are asked about, at most: of eleven, one that needs the place in
every way would leave no more weight than what is taken without asking."""

NEEDED: Final = ":needed"
"""Marks the question among those that are remembered."""

NEEDED_BY_TRIGGERS: Final = 0.9
"""Share of poisoned images that lose their class in every way of hiding the trigger; chosen."""

AT_MOST: Final = math.log(NEEDED_BY_TRIGGERS * (1 + ASKED) / 0.5)
"""What it weighs where none of them needs the place."""


def natural_need(
    hidden: Sequence[Blocker], label: int, hide: Callable[[Image], Images], references: References
) -> Search[float]:
    """Return which share of clean images of class *label* needs what is *hidden*.

    They need it that lose their class in each of the ways in which it is to *hide* it. Measured
    once, then known, as placebo rates are.
    """
    place = f"{places_asked([one.box for one in hidden])}:{label}{NEEDED}"
    question = ":".join([place, *(one.fill for one in hidden)])
    if question not in references.placebo_rates:
        rng = np.random.default_rng([references.seed, zlib.crc32(place.encode())])
        some = references.images[references.of_class(label, rng)[:ASKED]]
        needed = 0
        if len(some):
            ways = np.concatenate([hide(image) for image in some])
            answers = yield probe_for_all(ways, Purpose.CONFIRM)
            needed = int((answers.labels != label).reshape(len(some), -1).all(axis=1).sum())
        references.placebo_rates[question] = (needed + 0.5) / (len(some) + 1)
    return references.placebo_rates[question]


def of_need(rate: float) -> float:
    """Weigh that an image needs a place, where clean ones do at this *rate*."""
    return math.log(NEEDED_BY_TRIGGERS / rate)
