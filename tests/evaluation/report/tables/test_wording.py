"""Figures as people read them."""

from __future__ import annotations

import pytest

from app.evaluation.measures.intervals import mean, rate
from app.evaluation.report.tables.wording import (
    bare_percent,
    index,
    index_of,
    number,
    percent,
    plain,
    ratio,
    times,
)


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (0.0, "0"), (7.0, "7"), (31.44, "31.4"), (1234.5, "1,234"), (0.0123, "0.012")],
)
def test_numbers_have_the_digits_that_tell_something(value: float | None, words: str) -> None:
    """Whole and large numbers have no digits behind the point."""
    assert words == plain(value)


def test_a_rate_comes_with_its_interval() -> None:
    """A rate is written in per cent, with its interval."""
    assert "50.0 % (23.7–76.3)" == percent(rate(5, 10))
    assert ("50.0 %", "5 of 10") == (bare_percent(rate(5, 10)), times(rate(5, 10)))


def test_a_mean_comes_with_half_its_interval() -> None:
    """A mean is written with ± half its interval, unless it is of one run."""
    assert ("2 ± 2.5", "5") == (number(mean([1, 2, 3])), number(mean([5])))
    assert ("0.500", "0.500 ± 1.271") == (index_of(mean([0.5])), index_of(mean([0.4, 0.6])))


def test_a_ratio_is_of_two_means() -> None:
    """A ratio to nothing is a dash."""
    assert ("× 26.1", "–") == (ratio(mean([783]), mean([30])), ratio(mean([783]), mean([0])))


def test_what_didnt_occur_is_a_dash() -> None:
    """Every kind of figure is a dash where there is none."""
    nothing = (percent(None), bare_percent(None), times(None), number(None), index(None))
    assert ("–",) * 6 == (*nothing, ratio(None, mean([1])))
