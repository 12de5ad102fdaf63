"""Rates and means with their intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.measures.intervals import mean, rate


@given(st.data(), st.integers(1, 100_000))
def test_an_interval_holds_its_rate_and_stays_between_0_and_1(data: st.DataObject, of: int) -> None:
    """Whatever was counted: 0 <= low <= value <= high <= 1."""
    hits = data.draw(st.integers(0, of))
    found = rate(hits, of)
    assert found is not None
    assert [found.low, found.value, found.high] == sorted([found.low, found.value, found.high])
    assert (True, True) == (found.low >= 0, found.high <= 1)


def test_wilsons_interval_is_the_published_one() -> None:
    """1 of 29 has the interval of Newcombe (1998, table I): 0.0061 to 0.1718."""
    found = rate(1, 29)
    assert found is not None
    assert pytest.approx((0.0061, 0.1718), abs=5e-5) == (found.low, found.high)


def test_no_hits_of_few_are_no_certainty() -> None:
    """0 of 10 may be up to 0.2775, as Newcombe has it."""
    found = rate(0, 10)
    assert found is not None
    assert (0.0, 0.0) == (found.value, found.low)
    assert pytest.approx(0.2775, abs=5e-5) == found.high


def test_nothing_counted_is_no_rate() -> None:
    """Of no image at all there is no share."""
    assert rate(0, 0) is None


def test_a_mean_has_students_interval() -> None:
    """The mean of 1, 2 and 3 is 2, plus or minus 4.303 times 1 / sqrt(3)."""
    found = mean([1, 2, 3])
    assert found is not None
    assert pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-4) == (
        found.value,
        found.low,
        found.high,
    )


def test_one_run_has_no_interval() -> None:
    """Nothing is known of how far another run would be."""
    found = mean([5])
    assert found is not None
    assert (5, None, None, 1) == (found.value, found.low, found.high, found.runs)


def test_no_run_has_no_mean() -> None:
    """What never happened has no mean."""
    assert mean([]) is None
