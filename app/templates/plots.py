"""Plots as SVG: drawn here, so that they follow the page's colours, light or dark.

What is drawn is placed here; the template `plot.svg` writes it down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.templates import templates
from app.templates.axis import Axis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
    """A line through points, with gaps where y is NaN; ``kind`` is what the style tells it by."""

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


@dataclass(frozen=True)
class Sheet:
    """What a plot is drawn on, in pixels; ``start`` is where its x axis begins.

    ``told`` is how a value is written on that axis.
    """

    width: int = WIDTH
    height: int = HEIGHT
    start: float = 0
    told: Callable[[float], str] = "{:g}".format


LARGE = Sheet()


def plot(  # noqa: PLR0913  # a plot's words, and what is drawn
    title: str,
    x_title: str,
    y_title: str,
    drawn: Sequence[Line | Dots],
    *,
    log: bool = False,
    sheet: Sheet = LARGE,
) -> Plot:
    """Return a plot of what is *drawn*, the y axis *log* or not."""
    every_x = np.concatenate([one.x for one in drawn])
    every_y = np.concatenate([one.y for one in drawn])
    across, down = sheet.width - LEFT - RIGHT, sheet.height - TOP - BOTTOM
    low = sheet.start
    x = Axis(low, max(every_x.max(initial=low + 1), low + 1), LEFT, across)
    y = _y_axis(float(every_y.max(initial=1, where=~np.isnan(every_y))), TOP + down, -down, log=log)
    starts = list(_legend_starts(drawn))
    return Plot(
        title,
        y_title,
        grid=y.at(y.ticks()).tolist(),
        words=(
            *_ticks(x, y, sheet),
            Words(LEFT + across / 2, sheet.height - 4, x_title, "middle"),
            *(
                Words(at + 22, 18, one.label, "start")
                for at, one in zip(starts, drawn, strict=True)
            ),
        ),
        samples=[_sample(at, one) for at, one in zip(starts, drawn, strict=True)],
        shapes=[shape for one in drawn for shape in _placed(one, x, y)],
        width=sheet.width,
        height=sheet.height,
        right=sheet.width - RIGHT,
    )


def svg(plot: Plot) -> str:
    """Return *plot* as SVG."""
    return templates(__package__).get_template("plot.svg").render(plot=plot)


def _y_axis(most: float, start: float, length: float, *, log: bool) -> Axis:
    """Return the axis from 0 (or 1) at the bottom to *most* or a little more at the top."""
    if log:
        return Axis(1, 10.0 ** max(math.ceil(math.log10(max(most, 1))), 1), start, length, log=True)
    return Axis(0, max(most, 1), start, length)


def _ticks(x: Axis, y: Axis, sheet: Sheet) -> Iterator[Words]:
    for value, at in zip(y.ticks(), y.at(y.ticks()), strict=True):
        number = f"{value:,.0f}" if value == round(value) else f"{value:g}"
        yield Words(LEFT - 6, at + 4, number, "end")
    for value, at in zip(x.ticks(), x.at(x.ticks()), strict=True):
        yield Words(at, sheet.height - BOTTOM + 16, sheet.told(value), "middle")


def _legend_starts(drawn: Sequence[Line | Dots]) -> Iterator[float]:
    at = float(LEFT)
    for one in drawn:
        yield at
        at += 40 + LETTER * len(one.label)


def _sample(at: float, one: Line | Dots) -> Shape:
    points = [(at, 14.0), (at + 18, 14.0)] if one.mark is None else [(at + 9, 18.0)]
    return Shape(one.kind % KINDS, one.mark, points)


def _placed(one: Line | Dots, x: Axis, y: Axis) -> Iterator[Shape]:
    """Yield *one* in pixels: a line's parts between its gaps."""
    rise = 0 if one.mark is None else 4  # a mark stands on its line
    points = np.column_stack([x.at(one.x), y.at(one.y) + rise])
    gaps = np.flatnonzero(np.isnan(one.y))
    for part in np.split(points, gaps):
        known = part[~np.isnan(part[:, 1])]
        if len(known):
            yield Shape(one.kind % KINDS, one.mark, known.tolist())
