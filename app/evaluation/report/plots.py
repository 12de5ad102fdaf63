"""Plots as SVG: drawn here, so that they follow the page's colours, light or dark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.floating[Any]]

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 34, 40
LETTER = 7
"""A letter's width in pixels, about: for the legend."""

TICKS = 6
"""About so many on an axis."""

KINDS = 6
"""Of lines and dots that the page's style tells apart."""


@dataclass(frozen=True, eq=False)
class Line:
    """A line through points; ``kind`` is what the style tells it by."""

    label: str
    kind: int
    x: Numbers
    y: Numbers


@dataclass(frozen=True, eq=False)
class Dots:
    """Points with a mark each, `●`, `×` or another one character."""

    label: str
    kind: int
    mark: str
    x: Numbers
    y: Numbers


@dataclass(frozen=True)
class Axis:
    """From a value to pixels: ``start`` and ``length`` of the axis, what ``low`` and ``high`` are.

    A logarithmic one has powers of ten.
    """

    low: float
    high: float
    start: float
    length: float
    log: bool = False

    def at(self, values: Numbers) -> Numbers:
        """Return where *values* lie, in pixels."""
        low, high = (math.log10(self.low), math.log10(self.high)) if self.log else self._ends()
        scaled = np.log10(np.maximum(values, self.low)) if self.log else values
        return self.start + self.length * (scaled - low) / (high - low)

    def ticks(self) -> Numbers:
        """Return the values that are written on the axis."""
        if self.log:
            powers = np.arange(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            return 10.0**powers
        rough = (self.high - self.low) / TICKS
        ten = 10.0 ** math.floor(math.log10(rough))
        step = next(ten * k for k in (1, 2, 5, 10) if ten * k >= rough)
        return np.arange(math.ceil(self.low / step), math.floor(self.high / step) + 1) * step

    def _ends(self) -> tuple[float, float]:
        return self.low, self.high


def plot(
    title: str, x_title: str, y_title: str, drawn: Sequence[Line | Dots], *, log: bool = False
) -> str:
    """Return an SVG of what is *drawn*, the y axis *log* or not. The words are escaped here."""
    every_x = np.concatenate([one.x for one in drawn])
    every_y = np.concatenate([one.y for one in drawn])
    x = Axis(0, max(every_x.max(initial=1), 1), LEFT, WIDTH - LEFT - RIGHT)
    y = _y_axis(float(every_y.max(initial=1)), log=log)
    parts = [
        *_grid(x, y),
        _text(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 4, x_title, "middle"),
        _upright(y_title),
        *_legend(drawn),
        *(_drawn(one, x, y) for one in drawn),
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _y_axis(most: float, *, log: bool) -> Axis:
    """Return the axis from 0 (or 1) at the bottom to *most* or a little more at the top."""
    start, length = HEIGHT - BOTTOM, -(HEIGHT - TOP - BOTTOM)
    if log:
        return Axis(1, 10.0 ** max(math.ceil(math.log10(max(most, 1))), 1), start, length, log=True)
    return Axis(0, max(most, 1), start, length)


def _grid(x: Axis, y: Axis) -> Iterable[str]:
    for value, at in zip(y.ticks(), y.at(y.ticks()), strict=True):
        yield f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
        yield _text(
            LEFT - 6, at + 4, f"{value:,.0f}" if value == round(value) else f"{value:g}", "end"
        )
    for value, at in zip(x.ticks(), x.at(x.ticks()), strict=True):
        yield _text(at, HEIGHT - BOTTOM + 16, f"{value:g}", "middle")


def _legend(drawn: Sequence[Line | Dots]) -> Iterable[str]:
    at = float(LEFT)
    for one in drawn:
        if isinstance(one, Line):
            yield f'<path class="line k{one.kind % KINDS}" d="M{at:.0f} 14h18"/>'
        else:
            yield f'<text class="dot k{one.kind % KINDS}" x="{at + 9:.0f}" y="18">{one.mark}</text>'
        yield _text(at + 22, 18, one.label, "start")
        at += 40 + LETTER * len(one.label)


def _drawn(one: Line | Dots, x: Axis, y: Axis) -> str:
    points = list(zip(x.at(one.x), y.at(one.y), strict=True))
    if isinstance(one, Line):
        path = "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
        return f'<path class="line k{one.kind % KINDS}" d="M{path}"/>'
    marks = (f'<tspan x="{px:.1f}" y="{py + 4:.1f}">{one.mark}</tspan>' for px, py in points)
    return f'<text class="dot k{one.kind % KINDS}">{"".join(marks)}</text>'


def _upright(words: str) -> str:
    turned = f'transform="translate(12 {HEIGHT / 2}) rotate(-90)"'
    return f'<text {turned} text-anchor="middle">{escape(words)}</text>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
