"""What is measured once for a second opinion, and shared by all workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Opinion:
    """How often what is left of clean images carries their class, measured on references.

    ``onto`` (m,) int64 are the references that residues are laid over, those that they turn least.
    ``rates`` (k, 2) float32 are classes and how often theirs carry; ``sums`` (n,) float32 what
    spoke for a trigger in each of n clean images, the most suspicious first.
    """

    onto: NDArray[np.int64]
    rates: NDArray[np.float32]
    sums: NDArray[np.float32]

    def fits(self, count: int) -> bool:
        """Tell if it may be one of *count* references: it may be damaged."""
        onto, rates = self.onto, self.rates
        if not onto.size or rates.ndim != 2 or rates.shape[1] != 2 or not len(rates):  # noqa: PLR2004
            return False
        return bool(
            self.sums.ndim == 1
            and self.sums.size
            and (np.diff(self.sums) <= 0).all()
            and onto.min() >= 0
            and onto.max() < count
            and ((rates[:, 1] > 0) & (rates[:, 1] < 1)).all()
        )
