"""RQ2's tables: seconds, inferences and round trips, by where the first poisoned image is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.detection.search import Purpose
from app.evaluation.plan import Experiment
from app.evaluation.report.sheet import Sheet
from app.evaluation.report.wording import number, ratio, times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.evaluation.plan import Arrangement
    from app.evaluation.rq2_time import Timing

PARTS = {
    Purpose.SEARCH: "Search",
    Purpose.RECOGNISE: "Known triggers",
    Purpose.CONFIRM: "False positives",
    Purpose.BLOCK: "Blocking",
}

_HEAD = ("Subject", "Strategy", "First poisoned")

_SECONDS = (
    "Until detected: from the first image of the stream to the first poisoned one that was "
    "flagged, in the runs in which one was. False positives: confirming what is suspicious, "
    "or finding that nature made it. The preparation isn't in the total."
)


def time_tables(timings: Sequence[Timing]) -> Iterator[Sheet]:
    """Return RQ2's tables, none if it wasn't asked for."""
    if timings:
        yield _seconds(timings)
        yield _inferences(timings)


def _seconds(timings: Sequence[Timing]) -> Sheet:
    first: dict[tuple[str, Arrangement], Timing] = {}
    rows = []
    for one in timings:
        standard = first.setdefault((one.case.subject, one.arrangement), one)
        rows.append(
            (
                *_names(one),
                number(one.total.seconds),
                ratio(one.total.seconds, standard.total.seconds),
                number(one.until_detected.seconds),
                times(one.detected),
                *(number(one.parts[purpose].seconds) for purpose in PARTS),
            )
        )
    return Sheet(
        Experiment.RQ2,
        "RQ2: seconds (NEO, Table VII)",
        (*_HEAD, "Total", "Ratio", "Until detected", "Detected", *PARTS.values()),
        tuple(rows),
        (_SECONDS,),
        names=3,
    )


def _inferences(timings: Sequence[Timing]) -> Sheet:
    first: dict[tuple[str, Arrangement], Timing] = {}
    rows = []
    for one in timings:
        standard = first.setdefault((one.case.subject, one.arrangement), one)
        rows.append(
            (
                *_names(one),
                number(one.total.inferences),
                ratio(one.total.inferences, standard.total.inferences),
                number(one.total.round_trips),
                number(one.until_detected.inferences),
                number(one.until_detected.round_trips),
                *(number(one.parts[purpose].inferences) for purpose in PARTS),
                number(one.preparation.inferences),
            )
        )
    return Sheet(
        Experiment.RQ2,
        "RQ2: upstream inferences and round trips",
        (
            *_HEAD,
            "Inferences",
            "Ratio",
            "Round trips",
            "Until detected",
            "Trips until then",
            *PARTS.values(),
            "Preparation",
        ),
        tuple(rows),
        names=3,
    )


def _names(one: Timing) -> tuple[str, str, str]:
    return one.case.subject, one.case.strategy, one.arrangement.value
