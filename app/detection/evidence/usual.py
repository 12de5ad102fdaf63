"""What clean images usually show of a trigger: the best fits of its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_SPREAD = 0.06  # of usual fits: a few references don't show how far a clean image may go
EXACT = 0.999  # fit that counts as the best there is: noise and rounding are left of any other


@dataclass(frozen=True)
class Usual:
    """The best fits of a trigger's pixels on clean images: their ``mean`` and ``spread``."""

    mean: float
    spread: float


@dataclass(frozen=True)
class UsualFit(Usual):
    """The same of shares that a trigger explains of what is seen; ``clear`` of how clear they are.

    What chance leaves unexplained of a patch with n numbers falls with a power of about n / 2: so
    its logarithm has the exponential tail of an extreme, while a share ends at one.
    """

    clear: Usual


def clearness(fit: float) -> float:
    """Return how clear a *fit* is: minus the logarithm of the share that it leaves unexplained."""
    return -math.log(1 - min(fit, EXACT))


def fit_of_clearness(clear: float) -> float:
    """Return the fit that is so *clear*."""
    return 1 - math.exp(-clear)


def usual_fit(fits: Sequence[float]) -> UsualFit:
    """Return what is usual of *fits*, each 0 to 1."""
    of_fits, clear = usual(fits), usual([clearness(one) for one in fits])
    return UsualFit(of_fits.mean, of_fits.spread, clear)


def usual(fits: Sequence[float]) -> Usual:
    """Return what is usual of *fits*; without any, about what clean photographs show."""
    if not fits:
        return Usual(0.4, 0.15)
    return Usual(float(np.mean(fits)), max(float(np.std(fits)), LEAST_SPREAD))
