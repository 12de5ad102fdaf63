"""Axes of plots."""

from __future__ import annotations

import numpy as np
import pytest

from app.templates.axis import Axis


def test_a_value_lies_where_the_axis_says() -> None:
    """On an axis of 100 pixels that begins at 50, half of its range lies at 100."""
    axis = Axis(0, 10, start=50, length=100)
    assert [50, 100, 150] == axis.at(np.array([0.0, 5.0, 10.0])).tolist()


def test_a_logarithmic_axis_has_powers_of_ten() -> None:
    """Ticks are powers of ten, and what is below the first lies on it."""
    axis = Axis(1, 1000, start=0, length=300, log=True)
    assert [1, 10, 100, 1000] == axis.ticks().tolist()
    assert pytest.approx([0, 0, 200]) == axis.at(np.array([0.0, 1.0, 100.0])).tolist()


@pytest.mark.parametrize(
    ("high", "ticks"),
    [(1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (7, [0, 2, 4, 6]), (500, [0, 100, 200, 300, 400, 500])],
)
def test_ticks_are_round_numbers(high: float, ticks: list[float]) -> None:
    """Ticks are 1, 2 or 5 times a power of ten apart."""
    assert pytest.approx(ticks) == Axis(0, high, 0, 1).ticks().tolist()
