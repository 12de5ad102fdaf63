"""What is measured on the references."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import run
from app.detection.second_opinion.measuring import KEPT, measured
from app.detection.second_opinion.splitting import halves
from tests.detection.scenes import watched
from tests.detection.second_opinion.looking import IMAGES, MODEL, SEED, lens

if TYPE_CHECKING:
    from app.detection.search import Answers, Images


def test_it_is_the_same_for_all_workers() -> None:
    """With one secret; and it fits its references."""
    labels = MODEL.classify(IMAGES).labels
    again = run(measured(IMAGES, labels, SEED), MODEL.classify)
    assert lens().opinion.sums.tolist() == again.sums.tolist()
    assert again.fits(len(IMAGES))
    assert not again.fits(int(again.onto.max()))


def test_one_half_is_laid_over_the_other() -> None:
    """No image is measured with a span that it, or what is like it, is a part of."""
    learnt, others = halves(IMAGES, SEED)
    opinion = lens().opinion
    assert set(opinion.onto) <= set(learnt)
    assert len(others) == len(opinion.sums)
    assert KEPT == len(opinion.onto)


def test_nothing_is_asked_for_a_caller() -> None:
    """All of it is shared knowledge."""
    _, probes = watched(measured(IMAGES, MODEL.classify(IMAGES).labels, SEED), MODEL.classify)
    assert not any(probe.own for probe in probes)


def test_a_class_that_carries_by_nature_has_a_higher_rate() -> None:
    """A model for which any residue of one class makes an image that class."""
    labels = np.arange(len(IMAGES)) % 3

    def answering(images: Images) -> Answers:
        answers = MODEL.classify(images)
        answers.labels[:] = 2
        return answers

    rates = dict(run(measured(IMAGES, labels, SEED), answering).rates.tolist())
    assert rates[0] < 0.1
    assert rates[2] > 0.9
