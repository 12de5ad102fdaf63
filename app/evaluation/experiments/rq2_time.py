"""RQ2: what it costs until the first poisoned image comes early or late (Table VII)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Purpose
from app.evaluation.measures.intervals import Mean, Rate, mean, rate
from app.evaluation.measures.series import Series, series
from app.evaluation.records import Spent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.evaluation.experiments.case import Case
    from app.evaluation.plan import Arrangement
    from app.evaluation.records import Run


@dataclass(frozen=True)
class Expense:
    """Means over the runs; ``round_trips`` is None where they can't be seen (through a gateway)."""

    seconds: Mean | None
    inferences: Mean | None
    round_trips: Mean | None


@dataclass(frozen=True)
class Timing:
    """One case on streams whose first poisoned image comes at one percentile.

    ``total`` is spent on all images of the stream, ``preparation`` before the first of them.
    ``until_detected`` is spent on all images up to the first poisoned one that is flagged, itself
    included, in those runs in which one was: ``detected`` says how many. ``parts`` divides
    ``total`` by what the probes were for: ``block`` is NEO's blocking, ``confirm`` its
    false-positive handling. A gateway tells neither that nor its preparation.
    """

    case: Case
    arrangement: Arrangement
    runs: int
    images: Mean | None
    total: Expense
    preparation: Expense
    detected: Rate | None
    until_detected: Expense
    parts: dict[Purpose, Expense]


def timing(case: Case, arrangement: Arrangement, runs: Sequence[Run]) -> Timing:
    """Return what *runs*, streams of this *arrangement*, cost."""
    until = [_until_detected(run) for run in runs]
    detected = [spent for spent in until if spent is not None]
    return Timing(
        case=case,
        arrangement=arrangement,
        runs=len(runs),
        images=mean([len(run.screened) for run in runs]),
        total=_expense([_sum(one.total for one in run.screened) for run in runs]),
        preparation=_expense([run.prepared for run in runs if run.prepared.inferences]),
        detected=rate(len(detected), len(runs)),
        until_detected=_expense(detected),
        parts={purpose: _parts(runs, purpose) for purpose in Purpose},
    )


def _until_detected(run: Run) -> Spent | None:
    first = first_caught(series(run))
    return None if first is None else _sum(one.total for one in run.screened[: first + 1])


def first_caught(seen: Series) -> int | None:
    """Return the place of the first poisoned image that was flagged."""
    caught = np.flatnonzero(seen.flagged & seen.poisoned)
    return int(caught[0]) if len(caught) else None


def _parts(runs: Sequence[Run], purpose: Purpose) -> Expense:
    told = [run for run in runs if all(one.suspected is not None for one in run.screened)]
    return _expense([_sum(one.spent.get(purpose, Spent()) for one in run.screened) for run in told])


def _sum(several: Iterable[Spent]) -> Spent:
    return sum(several, Spent())


def _expense(spent: Sequence[Spent]) -> Expense:
    # A run of which nobody knows its round trips has 0 of them, but some inferences.
    known = all(one.round_trips or not one.inferences for one in spent)
    return Expense(
        seconds=mean([one.seconds for one in spent]),
        inferences=mean([one.inferences for one in spent]),
        round_trips=mean([one.round_trips for one in spent]) if known else None,
    )
