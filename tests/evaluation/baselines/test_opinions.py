"""The line that another defence draws."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from app.evaluation.baselines.opinions import by_normal_distribution, by_quantile


def test_one_of_a_hundred_clean_images_is_above_the_quantile() -> None:
    """Of the scores 0 to 99 only 99 is above; of a hundred equal ones none is."""
    scores = np.arange(100.0)
    assert [99.0] == scores[scores > by_quantile(scores)].tolist()
    assert 1.0 == by_quantile(np.ones(100))


def test_the_normal_line_is_2_3_deviations_above_the_mean() -> None:
    """With mean 2 and deviation 1 it is 2 + 2.326; equal scores are all below it or on it."""
    line = by_normal_distribution(np.array([1.0, 3.0]))
    assert pytest.approx(2 + NormalDist().inv_cdf(0.99)) == line
    assert 2.0 == by_normal_distribution(np.array([2.0, 2.0]))
