"""The table's rows: a model and a strategy each, as Markdown and for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.evaluation.measures.intervals import Mean, Rate
from app.evaluation.report.tables.wording import NONE, plain, times
from tests.benchmarks.detection.figures import Figures, figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from app.evaluation.experiments.case import Case
    from app.evaluation.records import Run
    from tests.benchmarks.detection.targets import Target

    Figure = Rate | Mean | float | None

MISSED = "*"


@dataclass(frozen=True)
class Row:
    """The ``figures`` of a case, what they are to be, and the names of those that aren't."""

    case: Case
    figures: Figures
    targets: Mapping[str, Target]
    missed: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    title: str
    figure: str
    words: Callable[[Figure], str]
    worst: str | None = None
    """The figure of the worst run, which stands beside it where it differs."""


def row(case: Case, runs: Sequence[Run], targets: Mapping[str, Target]) -> Row:
    """Return the row for *runs*, at least one with an image."""
    its = figures(case, runs)
    missed = (name for name, target in targets.items() if _missed(getattr(its, name), target))
    return Row(case, its, targets, tuple(missed))


def head() -> str:
    """Return the two lines over the rows."""
    titles = ("model", "strategy", *(column.title for column in _COLUMNS))
    return f"{_line(titles)}\n{_line('---' for _ in titles)}"


def line(one: Row) -> str:
    """Return a row of Markdown."""
    return _line((one.case.subject, one.case.strategy, *(_cell(one, its) for its in _COLUMNS)))


def _missed(figure: Figure, target: Target) -> bool:
    value = _value(figure)
    return value is not None and target.missed(value)


def _value(figure: Figure) -> float | None:
    return figure.value if isinstance(figure, Rate | Mean) else figure


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(one: Row, column: _Column) -> str:
    text = _with_mark(one, column, column.figure)
    if column.worst is None:
        return text
    worst = _with_mark(one, column, column.worst)
    return text if worst == text else f"{text} ({worst})"


def _with_mark(one: Row, column: _Column, figure: str) -> str:
    text = column.words(getattr(one.figures, figure))
    return text + MISSED if figure in one.missed else text


def _number(figure: Figure) -> str:
    return plain(_value(figure))


def _percent(figure: Figure) -> str:
    value = _value(figure)
    return NONE if value is None else f"{100 * value:.2f} %"


def _times(figure: Figure) -> str:
    return times(figure if isinstance(figure, Rate) else None)


_COLUMNS = (
    _Column("images", "images", _number),
    _Column("TPR", "tpr", _percent, "tpr_worst"),
    _Column("first flagged", "first_flagged", _times),
    _Column("at first sight", "first_sight", _percent, "first_sight_worst"),
    _Column("when known", "known_flagged", _percent, "known_flagged_worst"),
    _Column("let through then", "let_through", _percent, "let_through_worst"),
    _Column("by the third", "by_third", _times),
    _Column("from the third on", "from_third", _percent, "from_third_worst"),
    _Column("FPR", "fpr", _percent, "fpr_worst"),
    _Column("agreement", "agreement", _percent, "agreement_worst"),
    _Column("inferences a clean image", "clean", _number),
    _Column("p95", "clean_p95", _number),
    _Column("a trigger known", "clean_knowing", _number),
    _Column("in 1 round trip", "one_trip", _percent),
    _Column("round trips p95", "trips_p95", _number),
    _Column("a known poisoned image", "known", _number),
    _Column("the discovery", "discovery", _number),
    _Column("preparation", "preparation", _number),
    _Column("with shared", "once", _number),
    _Column("triggers", "triggers", _number),
    _Column("IoU of boxes", "box_overlap", _number),
    _Column("of pixels", "pixel_overlap", _number),
    _Column("CPU ms", "cpu_ms", _number),
)
