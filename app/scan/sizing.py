"""How large a sample has to be to hold enough poisoned images of a rare trigger."""

from __future__ import annotations

import math
from typing import Final

ENOUGH: Final = 3
"""Poisoned images of one trigger: from so many on its pixels are known exactly."""
CONFIDENCE: Final = 0.95


def sample_size(total: int, prevalence: float) -> int:
    """Return how many of *total* images, drawn at random, are likely to hold enough poisoned ones.

    `ENOUGH` of a trigger that the share *prevalence* of them carries, with `CONFIDENCE`; all where
    there are no more than that.
    """
    poisoned = math.ceil(prevalence * total)
    if poisoned <= ENOUGH:
        return total
    least, most = ENOUGH, total
    while least < most:
        middle = (least + most) // 2
        if _too_few(total, poisoned, middle) <= 1 - CONFIDENCE:
            most = middle
        else:
            least = middle + 1
    return least


def _too_few(total: int, poisoned: int, drawn: int) -> float:
    """Return how likely fewer than `ENOUGH` of the *drawn* are poisoned: hypergeometric."""
    most = min(ENOUGH - 1, drawn)
    return sum(
        math.exp(
            _log_choose(poisoned, k)
            + _log_choose(total - poisoned, drawn - k)
            - _log_choose(total, drawn)
        )
        for k in range(most + 1)
        if drawn - k <= total - poisoned
    )


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
