"""The probe budget: which images are screened for new triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

HORIZON = 100
"""Images over which what was spent too much or too little is made up for."""


class ProbeBudget:
    """Draws images at random so that screening costs *mean* probes an image over the stream.

    Without a mean every image is screened. ``first_guess`` is what one screen is taken to cost
    until some have been paid for.
    """

    def __init__(self, mean: float | None, first_guess: float, rng: np.random.Generator) -> None:
        self._mean = mean
        self._cost = first_guess
        self._credit = 0.0
        self._rng = rng

    def draw(self) -> bool:
        """Say whether the next image is to be screened for new triggers."""
        if self._mean is None:
            return True
        share = (self._mean + self._credit / HORIZON) / max(self._cost, 1.0)
        # What a quiet day has left over is not for one burst: it is kept for a horizon's images.
        self._credit = min(self._credit + self._mean, HORIZON * self._mean)
        return share > 0 and bool(self._rng.random() < share)

    def spend(self, probes: int) -> None:
        """Pay for a screen that asked *probes* images beyond the client's own."""
        self._credit -= probes
        self._cost += (probes - self._cost) / HORIZON
