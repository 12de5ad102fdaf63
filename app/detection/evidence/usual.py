"""What clean images usually show of a trigger: the best fits of its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_SPREAD = 0.06  # of usual fits: a few references don't show how far a clean image may go


@dataclass(frozen=True)
class Usual:
    """The best fits of a trigger's pixels on clean images: their ``mean`` and ``spread``."""

    mean: float
    spread: float


def usual(fits: Sequence[float]) -> Usual:
    """Return what is usual of *fits*; without any, about what clean photographs show."""
    if not fits:
        return Usual(0.4, 0.15)
    return Usual(float(np.mean(fits)), max(float(np.std(fits)), LEAST_SPREAD))
