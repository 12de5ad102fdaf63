"""What the second opinion is measured with stands on the references and the secret it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.opinion.lenses import Ground
from tests.detection.blended.worlds import IMAGES, MODEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images


def _scores(images: Images) -> NDArray[np.float32]:
    return np.eye(16, dtype=np.float32)[MODEL.classify(images).labels]


def test_each_secret_has_a_lens_of_its_own() -> None:
    """One after the other, each forgotten before the next: none is measured with another's."""
    seeds = [Ground(_scores, IMAGES, seed).lens.references.seed for seed in range(6)]
    assert list(range(6)) == seeds
