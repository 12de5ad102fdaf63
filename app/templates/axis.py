"""An axis of a plot: where a value lies, and which values are written on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.floating[Any]]

TICKS = 6
"""About so many on an axis."""


@dataclass(frozen=True)
class Axis:
    """From a value to pixels: ``start`` and ``length`` of the axis, what ``low`` and ``high`` are.

    A logarithmic one has powers of ten.
    """

    low: float
    high: float
    start: float
    length: float
    log: bool = False

    def at(self, values: Numbers) -> Numbers:
        """Return where *values* lie, in pixels."""
        low, high = (math.log10(self.low), math.log10(self.high)) if self.log else self._ends()
        scaled = np.log10(np.maximum(values, self.low)) if self.log else values
        return self.start + self.length * (scaled - low) / (high - low)

    def ticks(self) -> Numbers:
        """Return the values that are written on the axis."""
        if self.log:
            powers = np.arange(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            return 10.0**powers
        rough = (self.high - self.low) / TICKS
        ten = 10.0 ** math.floor(math.log10(rough))
        step = next(ten * k for k in (1, 2, 5, 10) if ten * k >= rough)
        return np.arange(math.ceil(self.low / step), math.floor(self.high / step) + 1) * step

    def _ends(self) -> tuple[float, float]:
        return self.low, self.high
