"""STRIP as a search: one round of overlays."""

from __future__ import annotations

import numpy as np

from app.detection.search import run
from app.evaluation.baselines.strip import strip
from app.evaluation.runs.strip import entropy, overlaid
from tests.tiny import TinyModel, clean_images

RNG = np.random.default_rng(5)
IMAGES = clean_images(30, RNG)


def test_the_score_is_the_negated_entropy_under_overlays() -> None:
    """The overlays are the references, all of them where there are fewer than a hundred."""
    model = TinyModel()
    opinion = run(strip(IMAGES[0], IMAGES[1:], np.random.default_rng(1)), model.classify)
    scores = model.classify(overlaid(IMAGES[0], IMAGES[1:])).scores
    assert opinion is not None
    assert scores is not None
    assert round(-entropy(scores), 6) == round(opinion.score, 6)
    assert model.classify(IMAGES[:1]).labels[0] == opinion.said == opinion.answer


def test_it_needs_scores() -> None:
    """Of a model that says labels alone there is no opinion."""
    model = TinyModel(scored=False)
    assert run(strip(IMAGES[0], IMAGES[1:], RNG), model.classify) is None
