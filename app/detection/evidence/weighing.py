"""One sum of evidence: how much more likely a trigger makes what was seen than nature does.

Each term is a natural logarithm of a likelihood ratio, and no term alone is a veto: a small sample
says little, and what the others make certain outweighs it (`docs/detection.md` 3.10).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from app.detection.evidence.usual import clearness, fit_of_clearness

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from app.detection.evidence.usual import Usual, UsualFit
    from app.detection.trigger import Term

SURE: Final = math.log(100)
"""A sum from which on it is a trigger: a hundred times as likely as nature. Some of the terms are
chosen, not measured."""

VERY_SURE: Final = math.log(1e6)
"""The same where something speaks against it, since every image of the attacker's class is looked
at so: more sure than one test of `confirmation`. Where the image hardly needs it, thick strokes of
a 7 that carried in 12 of 16 to 12 of 12 transplants came to 7 to 13.7, copies of triggers to 12.5
to 20. Where it carries to one class, but is hardly new, digits of signs came to 11 at most."""

CARRYING: Final = (6.0, 1.0)
"""Beta prior of the rate at which a trigger's transplants carry, 0.86 in the mean; chosen."""

HARDLY_CARRYING: Final = (0.5, 1.0)
"""The same of a trigger that an attacker has altered so that it does for one image: fainter, moved,
in other shades, with noise. Then most others may stay as they are. Chosen."""

PLACEBO_DRAWS: Final = 12.0
"""Transplants that a placebo rate is taken to be measured on: 8 to 32 are asked, and another image
of the class isn't quite the same question."""

NECESSARY: Final = (-3.5, 0.0, 2.0)
"""By how many of two blocked images lose the label. Chosen, not measured, as if a poisoned image
lost it with both fills in nine of ten and with neither in one of fifty, a clean one with both in
one of ten and with neither in seven of ten. The backdrop counts as both."""

BY_NOVELTY, USUALLY_NEW, NEW_AT_MOST = 4.0, 1.15, 2.5  # a weight, what is usual, a bound

UNNATURAL: Final = 3.2
"""A sum from which on nature isn't what carries to one class: never in three of hundred draws, and
as new as clean images are; or in a quarter of them, and half as new again."""

GUMBEL: Final = math.sqrt(6) / math.pi
"""Scale of a Gumbel distribution, that of a maximum, in its standard deviations."""

PIXELS_AT_MOST, PIXELS_AT_LEAST = 8.0, -2.5
"""What pixels alone may say: not surely a trigger (a logo looks the same everywhere and does
nothing), nor surely none (it may be fainter than what was stored)."""


def total(terms: Iterable[Term]) -> float:
    """Return the sum of *terms*."""
    return math.fsum(one.weight for one in terms)


def of_extreme(seen: float, usually: Usual) -> float:
    """Weigh pixels: how unlikely it is that a clean image's best place shows so much of them.

    The best place is a maximum over many, so its distribution is Gumbel's, whose tail is
    exponential. What a trigger shows is about as likely to be higher than this as lower.
    """
    beyond = (seen - usually.mean) / (GUMBEL * usually.spread)
    return min(max(beyond - 1.0, PIXELS_AT_LEAST), PIXELS_AT_MOST)


def of_fit(fit: float, usually: UsualFit) -> float:
    """Weigh how well a trigger's pixels *fit*: by how little they leave unexplained."""
    return of_extreme(clearness(fit), usually.clear)


def extreme_fit(weight: float, usually: UsualFit) -> float:
    """Return the fit that has a *weight* of `of_fit`, one within its bounds."""
    return fit_of_clearness(extreme(weight, usually.clear))


def extreme(weight: float, usually: Usual) -> float:
    """Return how much has to be seen for a *weight* of `of_extreme`, one within its bounds."""
    return usually.mean + (weight + 1.0) * GUMBEL * usually.spread


def of_carrying(
    carried: int,
    asked: int,
    placebo: float,
    draws: float = PLACEBO_DRAWS,
    *,
    altered: bool = False,
) -> float:
    """Weigh transplants: *carried* of *asked*, where nature carries at the rate *placebo*.

    Both rates are uncertain, the placebo's as one measured on so many *draws* is: beta-binomial.
    *altered*, it may be one that carries as it is known to, or hardly at all.
    """
    nature = (placebo * draws + 0.5, (1 - placebo) * draws + 0.5)
    carrying = _log_beta_binomial(carried, asked, *CARRYING)
    if altered:
        hardly = _log_beta_binomial(carried, asked, *HARDLY_CARRYING)
        carrying = math.log((math.exp(carrying) + math.exp(hardly)) / 2)
    weight = carrying - _log_beta_binomial(carried, asked, *nature)
    return min(weight, 0.0) if carried <= placebo * asked else weight


def of_nature(rate: float, novelty: float) -> float:
    """Weigh what clean images say of a part that carries to one class: how seldom, and how new.

    A part of a clean image that carries once does so always, so its chance is the share of clean
    images whose part does: the placebo *rate*. The digit that tells two speed limits apart has a
    *novelty* of 0.4 to 1.1 and a rate of 0.26 to 0.94, triggers on signs 1.3 to 14 and 0.02 to
    0.18; triggers on photographs, which differ more from one another, 0.65 to 1.5 and 0 to 0.05.
    """
    new = BY_NOVELTY * (novelty - USUALLY_NEW)
    return -math.log(max(rate, 1e-3)) + min(max(new, -NEW_AT_MOST), NEW_AT_MOST)


def of_blocking(kept: NDArray[np.bool_]) -> float:
    """Weigh necessity: which of the blocked images (3,) have kept the label.

    Two are filled from the surroundings, the third by the backdrop, and what says more counts: an
    attacker can paint surroundings that rebuild the trigger, but not the backdrop.
    """
    *surroundings, backdrop = kept.tolist()
    return max(NECESSARY[surroundings.count(False)], NECESSARY[0 if backdrop else -1])


def is_needed(kept: NDArray[np.bool_]) -> bool:
    """Say if a place is necessary, by which of the `WAYS` of hiding it *kept* the label (3,).

    Not where one fill from the surroundings keeps it, unless the backdrop doesn't.
    """
    return not kept[:-1].any() or not kept[-1]


def _log_beta_binomial(hits: int, asked: int, a: float, b: float) -> float:
    """Return the logarithm of the chance of *hits* in this order, for a rate of Beta(a, b)."""
    return _log_beta(a + hits, b + asked - hits) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
