"""The figures as Markdown, and how the cost grows as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.templates.plots import HEIGHT, WIDTH, Line, plot, svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.benchmarks.speed.figures import Figure, Target
    from tests.benchmarks.speed.growth import Point

HEAD = ("what", "figure", "measured", "target", "")
GROWTH_HEAD = (
    "varied",
    "value",
    "screened: CPU ms",
    "requests/s",
    "not drawn for screening: CPU ms",
    "requests/s",
)
STYLE = """<style>
svg { --ink: #1e1e1e; --faint: #c8c8c8; --k0: #0b5fa5; --k1: #b3261e;
  font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --ink: #ececec; --faint: #4a4a4a;
  --k0: #6cb6ff; --k1: #ff8a80; } }
text { fill: var(--ink); } .grid { stroke: var(--faint); }
.line { fill: none; stroke-width: 2; } .k0 { stroke: var(--k0); } .k1 { stroke: var(--k1); }
</style>"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Return the lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def row(figure: Figure) -> tuple[str, ...]:
    """Return *figure* beside its target."""
    verdict = {True: "met", False: "**missed**", None: ""}[figure.met]
    measured = f"{number(figure.value)} {figure.unit}".rstrip()
    return figure.subject, figure.name, measured, _target(figure.target), verdict


def growth_row(point: Point) -> tuple[str, ...]:
    """Return one line of how the cost grows."""
    cost = point.cost
    figures = (cost.screened_ms, cost.screened_rate, cost.passed_ms, cost.passed_rate)
    return point.varied, f"{point.value:,}", *map(number, figures)


def picture(points: Sequence[Point]) -> str:
    """Return an SVG file: one plot under the other, for each thing that was varied."""
    plots = [_plot(varied, points) for varied in dict.fromkeys(one.varied for one in points)]
    placed = [
        one.replace("<svg ", f'<svg y="{at * HEIGHT}" width="{WIDTH}" height="{HEIGHT}" ', 1)
        for at, one in enumerate(plots)
    ]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT * len(plots)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{STYLE}{"".join(placed)}</svg>\n'


def _plot(varied: str, points: Sequence[Point]) -> str:
    own = [one for one in points if one.varied == varied]
    x = np.array([one.value for one in own], float)
    lines = [
        Line("screened", 0, x, np.array([one.cost.screened_ms for one in own])),
        Line("not drawn for screening", 1, x, np.array([one.cost.passed_ms for one in own])),
    ]
    return svg(plot(f"CPU time a request, by {varied}", varied, "CPU ms a request", lines))


def _target(target: Target | None) -> str:
    if target is None:
        return ""
    return f"{'≥' if target.at_least else '≤'} {number(target.value)}"


def number(value: float) -> str:
    """Return *value* with three digits, or as a whole number."""
    if value >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
