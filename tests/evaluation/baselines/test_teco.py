"""TeCo: the deviation of the severities at which labels change."""

from __future__ import annotations

import numpy as np

from app.detection.search import run
from app.evaluation.baselines.teco import corrupted, deviation, teco
from tests.tiny import TinyModel, clean_images

IMAGE = clean_images(1, np.random.default_rng(5))[0]


def test_the_first_severity_that_changes_the_label_counts() -> None:
    """One corruption changes it at once, one at severity 3, one never (6), whatever comes later."""
    labels = np.array([[1, 0, 0, 0, 0], [0, 0, 2, 0, 2], [0, 0, 0, 0, 0]])
    assert np.std([1, 3, 6]) == deviation(labels, 0)


def test_severities_are_cumulative_as_in_the_released_code() -> None:
    """What is corrupted already is corrupted further: 75 images that end as no picture at all."""
    alone, together = (
        corrupted(IMAGE, np.random.default_rng(1), cumulative=cumulative)
        for cumulative in (False, True)
    )
    assert (75, 75) == (len(alone), len(together))
    assert (alone[0] == together[0]).all()
    far = [np.abs(some[-1].astype(int) - IMAGE).mean() for some in (alone, together)]
    assert far[0] < far[1]


def test_it_corrects_nothing() -> None:
    """The answer stays the model's own."""
    model = TinyModel()
    opinion = run(teco(IMAGE, IMAGE[None], np.random.default_rng(1)), model.classify)
    assert opinion is not None
    assert model.classify(IMAGE[None]).labels[0] == opinion.answer
