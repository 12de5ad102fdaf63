"""What a scan is going to do, and what that will take; shown before it begins."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.scan.sizing import CONFIDENCE, ENOUGH, sample_size

if TYPE_CHECKING:
    from app.detection.plan import Plan as SearchPlan

MORE: Final = 1.2
"""What an image takes beyond its first round, on average of clean ones."""
LARGE: Final = 200_000
"""Inferences from which on somebody at a terminal is asked first."""
FEW: Final = 2000
"""Images up to which each is screened in full, unless somebody says otherwise."""


class Passes(enum.StrEnum):
    """How an archive is gone through."""

    FULL = "full"
    """Every image is screened."""
    TWO_PASS = "two-pass"  # noqa: S105  # opens nothing
    """A sample is screened; every image is compared with the triggers found."""


@dataclass(frozen=True)
class Plan:
    """So many images in ``total``, of which a ``sample`` is screened in full.

    ``left`` of these weren't yet. ``inferences`` is about what that takes, ``seconds`` how long, if
    that is known.
    """

    passes: Passes
    total: int
    sample: int
    left: int
    prevalence: float
    inferences: int
    seconds: float | None

    @property
    def is_large(self) -> bool:
        """Whether somebody should be asked before it begins."""
        return self.inferences > LARGE

    @property
    def sampled(self) -> bool:
        """Whether only some of the images are screened in full."""
        return self.sample < self.total

    def words(self) -> str:
        """Return it in words."""
        time = "" if self.seconds is None else f", {duration(self.seconds)}"
        cost = f"about {self.inferences:,} inferences{time}"
        if not self.sampled:
            return f"Plan: all {self.total:,} images are screened in full: {cost}."
        return (
            f"Plan: {self.sample:,} of {self.total:,} images, drawn at random, are screened in"
            f" full: {cost}. Of a trigger that {100 * self.prevalence:.3g} % of the images carry"
            f" they hold {ENOUGH} with {CONFIDENCE:.0%}. Then all images are compared with the"
            " triggers found, without an inference but for those that match."
        )


def sample_of(passes: Passes, total: int, prevalence: float) -> int:
    """Return how many of *total* images are screened in full."""
    return total if passes is Passes.FULL else sample_size(total, prevalence)


def passes_for(total: int, wanted: Passes | None) -> Passes:
    """Return the way that is *wanted*, or the usual one for so many images."""
    return wanted or (Passes.TWO_PASS if total > FEW else Passes.FULL)


def expected_inferences(images: int, plan: SearchPlan) -> int:
    """Return about what screening so many *images* takes."""
    transplanted = plan.rows if plan.columns_wait else plan.bands
    first_round = 1 + len(transplanted) + (len(plan.hidden.bands) if plan.blocks else 0)
    return round(images * first_round * MORE)


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 90:  # noqa: PLR2004  # seconds, where they tell more than minutes
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
