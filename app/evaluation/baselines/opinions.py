"""What another defence makes of an image, and where it draws the line."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image, Images, Search

FALSE_REJECTIONS = 0.01
"""The share of clean images that a threshold is set to reject."""


@dataclass(frozen=True)
class Opinion:
    """What a defence says of one image: the higher ``score``, the more it suspects a trigger.

    ``said`` is the model's own answer, ``answer`` the defence's: the same if it corrects none.
    """

    score: float
    said: int
    answer: int


class Baseline(Protocol):
    """A defence that looks at an image by itself."""

    def __call__(
        self, image: Image, references: Images, rng: np.random.Generator, /
    ) -> Search[Opinion | None]:
        """Look at *image*; the result is None from a model that gives too little (no scores)."""
        ...


def by_quantile(clean: NDArray[np.float64]) -> float:
    """Return the score above which at most 1 % of *clean* images (n,) are."""
    return float(np.sort(clean)[::-1][int(FALSE_REJECTIONS * len(clean))])


def by_normal_distribution(clean: NDArray[np.float64]) -> float:
    """Return the score above which 1 % of clean images are, if theirs are normally distributed."""
    deviation = float(clean.std())
    if not deviation:
        return float(clean.max())
    return NormalDist(float(clean.mean()), deviation).inv_cdf(1 - FALSE_REJECTIONS)
