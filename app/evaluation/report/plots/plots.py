"""Plots as SVG: drawn here, so that they follow the page's colours, light or dark.

What is drawn is placed here; the template `plot.svg` of the report writes it down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.evaluation.report.plots.axis import Axis
from app.templates import templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.floating[Any]]

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 34, 40
LETTER = 7
"""A letter's width in pixels, about: for the legend."""

KINDS = 6
"""Of lines and dots that the page's style tells apart."""


@dataclass(frozen=True, eq=False)
class Line:
    """A line through points; ``kind`` is what the style tells it by."""

    label: str
    kind: int
    x: Numbers
    y: Numbers
    mark: None = None


@dataclass(frozen=True, eq=False)
class Dots:
    """Points with a mark each, `●`, `×` or another one character."""

    label: str
    kind: int
    mark: str
    x: Numbers
    y: Numbers


@dataclass(frozen=True)
class Words:
    """A text at a place, in pixels, which is its start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str


@dataclass(frozen=True)
class Shape:
    """``points`` in pixels: of a line, or where the marks are; of the style's ``kind``."""

    kind: int
    mark: str | None
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Plot:
    """A plot, in pixels from its upper left corner.

    ``grid`` has the heights of its horizontal lines. ``samples`` are the legend's lines and marks.
    """

    title: str
    y_title: str
    grid: Sequence[float]
    words: Sequence[Words]
    samples: Sequence[Shape]
    shapes: Sequence[Shape]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def plot(
    title: str, x_title: str, y_title: str, drawn: Sequence[Line | Dots], *, log: bool = False
) -> Plot:
    """Return a plot of what is *drawn*, the y axis *log* or not."""
    every_x = np.concatenate([one.x for one in drawn])
    every_y = np.concatenate([one.y for one in drawn])
    x = Axis(0, max(every_x.max(initial=1), 1), LEFT, WIDTH - LEFT - RIGHT)
    y = _y_axis(float(every_y.max(initial=1)), log=log)
    starts = list(_legend_starts(drawn))
    return Plot(
        title,
        y_title,
        grid=y.at(y.ticks()).tolist(),
        words=(
            *_ticks(x, y),
            Words(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 4, x_title, "middle"),
            *(
                Words(at + 22, 18, one.label, "start")
                for at, one in zip(starts, drawn, strict=True)
            ),
        ),
        samples=[_sample(at, one) for at, one in zip(starts, drawn, strict=True)],
        shapes=[_placed(one, x, y) for one in drawn],
    )


def svg(plot: Plot) -> str:
    """Return *plot* as SVG."""
    return templates("app.evaluation.report").get_template("plot.svg").render(plot=plot)


def _y_axis(most: float, *, log: bool) -> Axis:
    """Return the axis from 0 (or 1) at the bottom to *most* or a little more at the top."""
    start, length = HEIGHT - BOTTOM, -(HEIGHT - TOP - BOTTOM)
    if log:
        return Axis(1, 10.0 ** max(math.ceil(math.log10(max(most, 1))), 1), start, length, log=True)
    return Axis(0, max(most, 1), start, length)


def _ticks(x: Axis, y: Axis) -> Iterator[Words]:
    for value, at in zip(y.ticks(), y.at(y.ticks()), strict=True):
        number = f"{value:,.0f}" if value == round(value) else f"{value:g}"
        yield Words(LEFT - 6, at + 4, number, "end")
    for value, at in zip(x.ticks(), x.at(x.ticks()), strict=True):
        yield Words(at, HEIGHT - BOTTOM + 16, f"{value:g}", "middle")


def _legend_starts(drawn: Sequence[Line | Dots]) -> Iterator[float]:
    at = float(LEFT)
    for one in drawn:
        yield at
        at += 40 + LETTER * len(one.label)


def _sample(at: float, one: Line | Dots) -> Shape:
    points = [(at, 14.0), (at + 18, 14.0)] if one.mark is None else [(at + 9, 18.0)]
    return Shape(one.kind % KINDS, one.mark, points)


def _placed(one: Line | Dots, x: Axis, y: Axis) -> Shape:
    rise = 0 if one.mark is None else 4  # a mark stands on its line
    points = zip(x.at(one.x).tolist(), (y.at(one.y) + rise).tolist(), strict=True)
    return Shape(one.kind % KINDS, one.mark, list(points))
