"""Is it a trigger? A sequential test of the transplant against what nature does there."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import block
from app.detection.references import carries, placebo_rate
from app.detection.search import Probe
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from app.detection.geometry import Box
    from app.detection.references import References
    from app.detection.search import Image, Search

ALPHA = 1e-5  # of one test; an image may see 10 to 30 of them
BETA = 0.01
NATURE_AT_LEAST = 0.15  # p0 is never below: a placebo on 24 images can't see less
ABOVE_PLACEBO = 0.1
TRIGGER_AT_LEAST, TRIGGER_AT_MOST, TRIGGER_ABOVE_NATURE = 0.8, 0.97, 0.25
UNDECIDABLE = 0.4  # a placebo rate above which even 24 straight hits don't accept
TOGETHER = 4  # transplants asked in one round: few, since nature mostly fails early
AT_MOST = 24  # transplants of one test


@dataclass(frozen=True)
class Transplants:
    """How many of the transplants carried, and the rate at which nature does there."""

    carried: int
    asked: int
    placebo: float


class _Decision(enum.Enum):
    ACCEPT = enum.auto()
    REJECT = enum.auto()
    GO_ON = enum.auto()


def confirm(
    image: Image, label: int, box: Box, references: References, rng: np.random.Generator
) -> Search[Transplants | None]:
    """Transplant *box* on random references until it is sure that it carries *label*, or not.

    Wald's sequential probability ratio test of p1 (a trigger) against p0 (nature), where p0 comes
    from the placebo rate of the box (`detection.md` 3.5). None if the box is no trigger, or if
    transplants can't tell.
    """
    placebo = yield from placebo_rate(box, label, references)
    if placebo > UNDECIDABLE:
        return None
    onto = iter(references.others(label, rng))
    carried = asked = 0
    while batch := list(islice(onto, TOGETHER)):
        hits = yield from carries(image, label, [box] * len(batch), batch, references)
        carried, asked = carried + int(hits.sum()), asked + len(batch)
        match _decision(carried, asked, placebo):
            case _Decision.ACCEPT:
                return Transplants(carried, asked, placebo)
            case _Decision.REJECT:
                return None
            case _Decision.GO_ON if asked >= AT_MOST:
                return None
            case _Decision.GO_ON:
                pass
    return None


def undecidable(box: Box, label: int, references: References) -> bool:
    """Say if nature is known to carry *label* in *box* so often that transplants tell nothing."""
    return references.known_placebo_rate(box, label, 0.0) > UNDECIDABLE


def necessary(image: Image, label: int, box: Box) -> Search[bool]:
    """Say if *image* answers something else than *label* with *box* blocked, whatever the fill.

    A trigger is necessary as well as sufficient. A clean image mostly keeps its label when one part
    of it is hidden, so this rules out most of what carries by nature, for two probes.
    """
    blocked = [block(image, Blocker(box, fill)) for fill in (Fill.RING, Fill.INPAINT)]
    answers = yield Probe(np.stack(blocked))
    return bool((answers.labels != label).all())


def _decision(carried: int, asked: int, placebo: float) -> _Decision:
    """Hold the log likelihood ratio against Wald's two thresholds."""
    p0 = max(NATURE_AT_LEAST, placebo + ABOVE_PLACEBO)
    p1 = max(TRIGGER_AT_LEAST, min(TRIGGER_AT_MOST, p0 + TRIGGER_ABOVE_NATURE))
    ratio = carried * math.log(p1 / p0) + (asked - carried) * math.log((1 - p1) / (1 - p0))
    if ratio >= math.log((1 - BETA) / ALPHA):
        return _Decision.ACCEPT
    if ratio <= math.log(BETA / (1 - ALPHA)):
        return _Decision.REJECT
    return _Decision.GO_ON
