"""What is mixed into images as the trigger that it is, once it carries and heals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.detection.evidence.weighing import SURE, VERY_SURE, of_carrying, total
from app.detection.trigger import Blocker, Evidence, Fill, Sign, Term, Trigger

if TYPE_CHECKING:
    from app.detection.blended.estimating import Pattern
    from app.detection.geometry import Box
    from app.detection.search import Image


@dataclass(frozen=True)
class Laid:
    """How many clean images a mixture was laid over, and how many of them it ``carried``.

    ``placebo`` is the share that what is no trigger carries.
    """

    count: int
    carried: int
    placebo: float

    def term(self, said: str) -> Term:
        """Return what that is worth, in the words *said*."""
        weight = of_carrying(self.carried, self.count, self.placebo, draws=self.count)
        return Term(Sign.CARRYING, weight, said)


@dataclass(frozen=True, eq=False)
class Proof:
    """What was learnt of a ``pattern`` in a ``box``: it makes images ``target``.

    Those of class ``source``, or of all if that is None. The first of the ``terms`` is what it
    carries. ``heal_rate`` of those that it was taken out of left the class; the newest is called
    ``class_b`` then. ``probes`` were asked in all, drawn by ``draw``.
    """

    pattern: Pattern
    box: Box
    target: int
    source: int | None
    class_b: int
    laid: Laid
    heal_rate: float
    terms: tuple[Term, ...]
    probes: int
    draw: int

    @property
    def holds(self) -> bool:
        """Whether it carries for sure, and everything together says so very surely."""
        return self.terms[0].weight >= SURE and total(self.terms) >= VERY_SURE

    def trigger(self, image: Image) -> Trigger:
        """Return the trigger that it proves, in an *image* (h, w, c)."""
        height, width, _ = image.shape
        evidence = Evidence(
            carried=self.laid.carried,
            transplants=self.laid.count,
            placebo=self.laid.placebo,
            heal_rate=self.heal_rate,
            probes=self.probes,
            seed=self.draw,
            class_b=self.class_b,
            necessary=True,
            terms=self.terms,
        )
        return Trigger(
            target=self.target,
            source=self.source,
            box=self.box,
            patch=self.pattern.picture,
            mask=None,
            blocker=Blocker(self.box, Fill.REFERENCES),
            natural=self.laid.placebo,
            image_height=height,
            image_width=width,
            evidence=evidence,
            alpha=self.pattern.alpha,
        )
