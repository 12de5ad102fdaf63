"""Plots as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np

from app.templates.plots import Dots, Line, Sheet, plot, svg


def test_everything_drawn_is_inside_the_picture_and_told_in_the_legend() -> None:
    """A line and dots from 0 to 1,000 stay inside, and the legend names both."""
    x = np.arange(5.0)
    line = Line("caught", 1, x, np.array([0.0, 1.0, 2.0, 3.0, 1000.0]))
    dots = Dots("missed & <lost>", 2, "×", x, np.array([1.0, 10.0, 100.0, 1000.0, 5.0]))
    root = ET.fromstring(svg(plot("A <plot>", "x", "y", [line, dots], log=True)))  # noqa: S314
    assert "A <plot>" == root.attrib["aria-label"]
    words = [text.text for text in root.iter("text")]
    assert {"caught", "missed & <lost>", "1,000", "x", "y"} <= set(words)
    _, _, width, height = (float(number) for number in root.attrib["viewBox"].split())
    marks = [(float(one.attrib["x"]), float(one.attrib["y"])) for one in root.iter("tspan")]
    assert 1 + 5 == len(marks)  # one in the legend
    assert all(0 <= px <= width and 0 <= py <= height for px, py in marks)


def test_a_plot_of_nothing_is_a_plot() -> None:
    """A kind of dots without any dot is in the legend all the same."""
    nothing = Dots("missed", 2, "×", np.array([]), np.array([]))
    root = ET.fromstring(svg(plot("A plot", "x", "y", [nothing])))  # noqa: S314
    assert "missed" in [text.text for text in root.iter("text")]


def test_a_line_has_gaps_where_nothing_is_known() -> None:
    """A line with an unknown value is two lines; of one point alone it is a dot."""
    x = np.arange(100.0, 105.0)
    line = Line("ms", 1, x, np.array([1.0, 2.0, np.nan, 3.0, np.nan]))
    drawn = plot("A plot", "x", "y", [line], sheet=Sheet(360, 160, 100, "{:.0f}th".format))
    assert [2, 1] == [len(shape.points) for shape in drawn.shapes]
    assert (360, 160) == (drawn.width, drawn.height)
    assert {"100th", "104th"} <= {one.text for one in drawn.words}
