"""Rates and means with their 95 % intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import TYPE_CHECKING

from scipy.stats import t as student

if TYPE_CHECKING:
    from collections.abc import Sequence

TWO_SIDED = 0.975
"""The quantile that leaves 2.5 % on each side: 95 % are inside."""

Z = NormalDist().inv_cdf(TWO_SIDED)


@dataclass(frozen=True)
class Rate:
    """A share: ``hits`` of ``of``, with its 95 % Wilson interval."""

    hits: int
    of: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Mean:
    """A mean over ``runs`` runs with its 95 % interval (Student's t).

    One run alone has no interval: ``low`` and ``high`` are None.
    """

    value: float
    low: float | None
    high: float | None
    runs: int


def rate(hits: int, of: int) -> Rate | None:
    """Return the rate with Wilson's score interval, None where nothing was counted.

    Unlike value ± 1.96 standard errors it stays inside 0..1, and 0 of 50 isn't taken for certain.
    """
    if not of:
        return None
    value, z2 = hits / of, Z * Z
    centre = (value + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * math.sqrt(value * (1 - value) / of + z2 / (4 * of * of))
    # Rounding must not push the rate itself out of its interval.
    return Rate(
        hits, of, value, max(min(centre - half, value), 0), min(max(centre + half, value), 1)
    )


def mean(values: Sequence[float]) -> Mean | None:
    """Return the mean of *values*, one a run, None where there is none."""
    runs = len(values)
    if not runs:
        return None
    value = fmean(values)
    if runs == 1:
        return Mean(value, None, None, 1)
    half = float(student.ppf(TWO_SIDED, runs - 1)) * stdev(values) / math.sqrt(runs)
    return Mean(value, value - half, value + half, runs)
