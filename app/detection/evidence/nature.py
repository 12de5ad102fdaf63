"""What clean images say of a place: whether nature may be what carries there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.detection.evidence.confirmation import is_over_general
from app.detection.evidence.novelty import novelty
from app.detection.evidence.weighing import (
    NECESSARY,
    UNNATURAL,
    VERY_SURE,
    of_carrying,
    of_nature,
)
from app.detection.reference_set.references import THOROUGH_SIZES, placebo_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.evidence.confirmation import Look, Transplants
    from app.detection.geometry import Box
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Search

NATURE_AT_MOST = 0.5  # placebo rate around the box: true triggers elsewhere measure 0 to 0.1
LIKELY_BY_ALL = 10.0  # the sum: a clean sign's loose box came to 8.3, triggers to 18 and more
SELDOM = 0.1  # placebo rate around the box below which nature hardly is what carries
LIKELY_IF_SELDOM = 6.0  # the sum where it is so
ABOVE_NATURE = 0.4  # by which the heal rate must exceed it: of true triggers, by 0.6 to 1.0
OVER_GENERAL = 0.4  # rate of third classes at its box: such backdoors measured 0.4 to 0.85
STRANGE = 2.0  # times as new as is usual, from which on it is none of what the class shows there


@dataclass(frozen=True)
class Nature:
    """What clean images say of a place: at which ``rate`` they carry, and how new the image is.

    ``over_general``: most content opens the place, so that the rate tells nothing. ``others`` is
    what the other terms of the sum come to. ``assumed``: the rate is other classes', for there are
    too few references of this one.
    """

    rate: float
    novelty: float
    one_class: bool
    over_general: bool
    others: float = 0.0
    assumed: bool = False

    @property
    def excluded(self) -> bool:
        """Say if nature can't be what carries: by its rate, how new the part is, and the sum.

        The parts that tell two classes apart are such that clean images have too, and carry. Where
        nature leaves a doubt the sum with the other terms decides. Else it must be likely by all
        that there is. Where clean images hardly carry less is enough for it: who wants to get past
        leaves so little of a trigger that it turns half of the others.
        """
        if self.over_general:
            return True
        by_all = of_nature(self.rate, self.novelty) + self.others
        likely = LIKELY_IF_SELDOM if self.is_seldom else LIKELY_BY_ALL
        if self.one_class:
            return by_all >= (VERY_SURE if self.leaves_a_doubt else likely)
        if self.assumed:  # this class may carry more often than those that are known
            likely = LIKELY_BY_ALL if self.is_seldom else VERY_SURE
        return self.rate <= NATURE_AT_MOST and by_all >= likely

    @property
    def is_seldom(self) -> bool:
        """Say if clean images hardly ever carry there."""
        return self.rate < SELDOM

    @property
    def leaves_a_doubt(self) -> bool:
        """Say if only the sum tells it from nature: mostly since the box holds more than it."""
        by_itself = of_nature(self.rate, self.novelty) >= UNNATURAL
        return self.one_class and not (self.over_general or by_itself)

    def is_exceeded(self, heal_rate: float) -> bool:
        """Say if blocking heals clearly more often than clean images carry their class there.

        A part of the object that tells its class does carry, and hiding it heals little.
        """
        return self.over_general or heal_rate - self.rate >= ABOVE_NATURE


def nature_at(  # noqa: PLR0913, PLR0917  # the question, and what was asked before
    edged: Sequence[Box],
    image: Image,
    label: int,
    found: Look,
    transplants: Transplants,
    references: References,
) -> Search[Nature]:
    """Ask what clean images say of what was *found* in *image*, with its *edged* pieces.

    A part that carries once does so always, so the rate is known no better than by one draw of each
    image of the class. The *transplants* are weighed by the worse of the two rates that are known.
    """
    rate = yield from placebo_rate(edged, label, found.source, references, THOROUGH_SIZES)
    if known := int((references.labels == label).sum()):
        rate = max(rate, 0.5 / (1 + known))
    new = novelty(image, found.pieces, references)
    worse = max(rate, transplants.placebo)
    others = of_carrying(transplants.carried, transplants.asked, worse)
    others += NECESSARY[-1] if found.necessary else NECESSARY[0]
    one_class = found.source is not None
    assumed = not references.are_enough(label)
    nature = Nature(rate, new, one_class, over_general=False, others=others, assumed=assumed)
    if nature.excluded or new < STRANGE:  # any stroke makes a 1 a 7, third classes' too
        return nature
    general = yield from is_over_general(image, label, found, references, OVER_GENERAL)
    return replace(nature, over_general=general)
