"""SCALE-UP by the authors' form."""

from __future__ import annotations

import numpy as np

from app.detection.search import Answers, run
from app.evaluation.baselines.scale_up import consistency, scale_up, scaled


def test_pixels_are_multiplied_by_1_to_11_and_cut_off() -> None:
    """A grey of 100, with at most 5 levels of noise, is 200 to 210 twice, and 255 thrice."""
    copies = scaled(np.full((2, 2, 1), 100, np.uint8), np.random.default_rng(1))
    assert (11, 2, 2, 1) == copies.shape
    assert 100 <= copies[0].min() <= copies[0].max() <= 105
    assert 200 <= copies[1].min() <= copies[1].max() <= 210
    assert 255 == copies[2:].min()


def test_consistency_counts_the_first_itself() -> None:
    """Of eleven labels the first and two more are alike: 3 of 11."""
    assert 3 / 11 == consistency(np.array([4, 4, 4, *8 * [0]]))


def test_a_label_that_stays_is_suspicious() -> None:
    """A model that always says the same has a score of 1; it is asked for 12 images at once."""
    asked = []

    def predict(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Answers:
        asked.append(len(images))
        return Answers(np.full(len(images), 2))

    image = np.zeros((4, 4, 3), np.uint8)
    opinion = run(scale_up(image, image[None], np.random.default_rng(1)), predict)
    assert opinion is not None
    assert (1.0, 2, [12]) == (opinion.score, opinion.answer, asked)
