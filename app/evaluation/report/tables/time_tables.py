"""RQ2's tables: seconds, inferences and round trips, by where the first poisoned image is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.detection.search import Purpose
from app.evaluation.plan import FIRST_AT, Experiment
from app.evaluation.report.tables.sheet import Sheet
from app.evaluation.report.tables.wording import number, ratio, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.evaluation.experiments.rq2_time import Expense, Timing
    from app.evaluation.measures.intervals import Mean
    from app.evaluation.plan import Arrangement

PARTS = {
    Purpose.SEARCH: "search",
    Purpose.RECOGNISE: "known triggers",
    Purpose.CONFIRM: "false-positive handling",
    Purpose.BLOCK: "blocking",
}

_NOTE = (
    "Of all images of the stream; the preparation comes before. Ratio: to the first strategy. Until"
    " detected: up to the first poisoned image that was flagged, itself included, in those runs in"
    " which one was. False-positive handling: confirming what is suspicious, or finding that nature"
    " made it."
)


def time_tables(timings: Sequence[Timing]) -> Iterator[Sheet]:
    """Return RQ2's tables, one a subject: a column for each stream and strategy."""
    for subject in dict.fromkeys(one.case.subject for one in timings):
        own = [one for one in timings if one.case.subject == subject]
        yield Sheet(
            Experiment.RQ2,
            f"Cost by the first poisoned image's place (NEO, Table VII): {subject}",
            ("", *(f"{FIRST_AT[one.arrangement]} %, {one.case.strategy}" for one in own)),
            tuple(_rows(own)),
            (_NOTE,),
            names=1,
        )


def _rows(own: Sequence[Timing]) -> Iterator[tuple[str, ...]]:
    yield from _measure("Seconds", own, lambda expense: expense.seconds)
    yield from _measure("Inferences", own, lambda expense: expense.inferences)
    trips = [(one.total.round_trips, one.until_detected.round_trips) for one in own]
    yield ("Round trips", *(number(total) for total, _ in trips))
    yield ("– until detected", *(number(until) for _, until in trips))
    yield ("Detected in", *(times(one.detected) for one in own))
    yield ("Inferences before the stream", *(number(one.preparation.inferences) for one in own))


def _measure(
    name: str, own: Sequence[Timing], of: Callable[[Expense], Mean | None]
) -> Iterator[tuple[str, ...]]:
    first: dict[Arrangement, Timing] = {}
    standards = [first.setdefault(one.arrangement, one) for one in own]
    pairs = list(zip(own, standards, strict=True))
    yield (name, *(number(of(one.total)) for one in own))
    yield ("– ratio", *(ratio(of(one.total), of(standard.total)) for one, standard in pairs))
    for purpose, part in PARTS.items():
        yield (f"– {part}", *(number(of(one.parts[purpose])) for one in own))
    yield ("– until detected", *(number(of(one.until_detected)) for one in own))
