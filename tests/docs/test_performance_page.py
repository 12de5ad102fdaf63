"""The page of what requests cost can be filled in from one run of the benchmark."""

from __future__ import annotations

from tests.benchmarks.speed.beside import Costs, figures_of
from tests.benchmarks.speed.figures import Figure
from tests.benchmarks.speed.growth import Cost, Point
from tests.benchmarks.speed.page import (
    BESIDE,
    BESIDE_HEAD,
    GROWTH_HEAD,
    PATHS,
    PLAIN_HEAD,
    beside,
    growth,
    plain,
)
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "performance.md").read_text()


def test_the_page_has_the_tables_that_the_benchmark_prints() -> None:
    """Each has the head and the rows that `make bench` prints at its end."""
    heads = [f"| {' | '.join(head)} |" for head in (PLAIN_HEAD, BESIDE_HEAD, GROWTH_HEAD)]
    rows = [f"| {words} | " for words in (*PATHS.values(), *BESIDE.values())]
    assert [] == [line for line in (*heads, *rows) if line not in PAGE]


def test_what_is_printed_is_what_was_measured() -> None:
    """Costs in ms with two digits; both trees with their ratios; what grows in one line."""
    name = "CPU a request, 8 clients"
    settings = ("off", "known triggers, no budget")
    measured = [Figure(f"{path}, {one}", name, 431.0, "µs") for path in PATHS for one in settings]
    assert ["0.43", "0.43"] == [line.split(" | ")[1] for line in list(plain(measured))[2:]]

    costs = Costs([600.0, 600.0], [450.0, 510.0])
    both = [one for way in PATHS for name in BESIDE for one in figures_of(f"{way}, {name}", costs)]
    assert {"600 → 465: 0.78 (0.80)"} == {line.split(" | ")[1] for line in list(beside(both))[2:]}

    points = [Point("workers", n, Cost(3.2, 310.0, 0.96, 1040.0)) for n in (1, 2)]
    expected = "| workers | 1, 2 | 3.2, 3.2 (310, 310) | 0.96, 0.96 (1,040, 1,040) |"
    assert expected == list(growth(points))[-1]
