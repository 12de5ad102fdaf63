"""Plots as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from app.evaluation.report.plots import Axis, Dots, Line, plot


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


def test_everything_drawn_is_inside_the_picture_and_told_in_the_legend() -> None:
    """A line and dots from 0 to 1,000 stay inside, and the legend names both."""
    x = np.arange(5.0)
    line = Line("caught", 1, x, np.array([0.0, 1.0, 2.0, 3.0, 1000.0]))
    dots = Dots("missed & <lost>", 2, "×", x, np.array([1.0, 10.0, 100.0, 1000.0, 5.0]))
    root = ET.fromstring(plot("A plot", "x", "y", [line, dots], log=True))  # noqa: S314
    words = [text.text for text in root.iter("text")]
    assert {"caught", "missed & <lost>", "1,000", "x", "y"} <= set(words)
    _, _, width, height = (float(number) for number in root.attrib["viewBox"].split())
    marks = [(float(one.attrib["x"]), float(one.attrib["y"])) for one in root.iter("tspan")]
    assert 5 == len(marks)
    assert all(0 <= px <= width and 0 <= py <= height for px, py in marks)


def test_a_plot_of_nothing_is_a_plot() -> None:
    """A kind of dots without any dot is in the legend all the same."""
    nothing = Dots("missed", 2, "×", np.array([]), np.array([]))
    root = ET.fromstring(plot("A plot", "x", "y", [nothing]))  # noqa: S314
    assert "missed" in [text.text for text in root.iter("text")]
