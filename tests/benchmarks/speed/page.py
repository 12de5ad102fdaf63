"""The tables of docs/performance.md out of one run, as they go into the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.benchmarks.speed.report import number, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.benchmarks.speed.figures import Figure
    from tests.benchmarks.speed.growth import Point

PLAIN_HEAD: Final = ("ms of CPU time a request", "not screened, none known", "three known")
BESIDE_HEAD: Final = ("µs of CPU time a request", "`POST /predict`", "binary `infer`")
GROWTH_HEAD: Final = ("", "", "screened", "not screened")

PATHS: Final = {
    "/predict": "`POST /predict`, PNG",
    "infer": "`/v2/models/…/infer`, binary tensors",
}
SETTINGS: Final = ("off", "known triggers, no budget")
BESIDE: Final = {
    "off": "not screened (`off`)",
    "no budget, none known": "`full` with no budget left, no trigger known",
    "no budget, 3 known": "the same, three known",
}


def plain(figures: Sequence[Figure]) -> Iterator[str]:
    """Return what a plain request costs, from `passing`."""
    costs = {one.subject: one.value for one in figures if one.name == "CPU a request, 8 clients"}
    yield from table(
        PLAIN_HEAD,
        (
            (words, *(f"{costs[f'{path}, {setting}'] / 1000:.2f}" for setting in SETTINGS))
            for path, words in PATHS.items()
        ),
    )


def beside(figures: Sequence[Figure]) -> Iterator[str]:
    """Return what it costs in another tree and in this one, from `beside`.

    In the lower quartiles, with their ratio, and the median of the rounds' ratios in brackets.
    """
    found = {(one.subject, one.name): one.value for one in figures}
    yield from table(
        BESIDE_HEAD,
        (
            (words, *(_compared(found, f"{path}, {setting}") for path in PATHS))
            for setting, words in BESIDE.items()
        ),
    )


def growth(points: Sequence[Point]) -> Iterator[str]:
    """Return how it grows: CPU ms a request, and requests a second in brackets."""
    yield from table(GROWTH_HEAD, (_grown(varied, points) for varied in _varied(points)))


def _compared(found: dict[tuple[str, str], float], subject: str) -> str:
    other, this, quartiles, median = (value for key, value in found.items() if key[0] == subject)
    return f"{other:.0f} → {this:.0f}: {quartiles:.2f} ({median:.2f})"


def _varied(points: Sequence[Point]) -> Iterable[str]:
    return dict.fromkeys(one.varied for one in points)


def _grown(varied: str, points: Sequence[Point]) -> tuple[str, ...]:
    own = [one for one in points if one.varied == varied]
    costs = [one.cost for one in own]
    return (
        varied,
        ", ".join(f"{one.value:,}" for one in own),
        _listed([(one.screened_ms, one.screened_rate) for one in costs]),
        _listed([(one.passed_ms, one.passed_rate) for one in costs]),
    )


def _listed(costs: Sequence[tuple[float, float]]) -> str:
    milliseconds, rates = zip(*costs, strict=True)
    return f"{', '.join(map(number, milliseconds))} ({', '.join(f'{rate:,.0f}' for rate in rates)})"
