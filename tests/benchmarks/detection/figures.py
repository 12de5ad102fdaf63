"""What is in a row of the table, pooled over the runs of one strategy on one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.experiments.costs import discoveries
from app.evaluation.experiments.rq1_detection import detection
from app.evaluation.measures.intervals import mean
from app.evaluation.measures.metrics import share
from app.evaluation.measures.overlap import box_of, overlap
from app.evaluation.measures.series import series
from tests.benchmarks.detection.over_secrets import (
    answered_rightly,
    flagged_at_first_sight,
    flagged_by_third,
    flagged_clean,
    flagged_from_third,
    flagged_poisoned,
    flagged_when_known,
    highest,
    let_through_when_known,
    lowest,
    pooled_share,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.trigger import Trigger
    from app.evaluation.experiments.case import Case
    from app.evaluation.measures.intervals import Mean, Rate
    from app.evaluation.records import Run, Stamp


@dataclass(frozen=True)
class Figures:
    """Rates and means of ``images`` in ``runs``; None is what didn't occur.

    Each run is a deployment with a secret of its own; ``…_worst`` is the rate of the worst run.
    ``first_sight`` are the poisoned images up to the first flagged, ``known_flagged`` those
    after it: of both only those that the model calls something else because of the trigger.
    ``let_through`` are those of the latter that were answered with the attacker's class.

    ``by_third`` is the share of the runs in which one of the first three was flagged,
    ``from_third`` that of the images from the third on.

    Inferences include the image's own. ``clean`` is a clean image's, ``clean_knowing`` the same
    once a trigger is known, ``known`` a poisoned one's whose trigger is known. ``discovery`` is the
    largest of any image that revealed a trigger. ``preparation`` is spent before the first image,
    ``once`` that and, while images are screened, what is kept for all; the largest of any run.
    ``triggers`` were found in a run, true or not. ``box_overlap`` is the intersection over union
    of a true trigger's box and that of the found one that fits best, ``pixel_overlap`` the same of
    their pixels; 0 where none was found. ``cpu_ms`` is CPU time in the core for a clean image.
    """

    runs: int
    images: int
    tpr: Rate | None
    tpr_worst: float | None
    first_flagged: Rate | None
    first_sight: Rate | None
    first_sight_worst: float | None
    known_flagged: Rate | None
    known_flagged_worst: float | None
    let_through: Rate | None
    let_through_worst: float | None
    by_third: Rate | None
    from_third: Rate | None
    from_third_worst: float | None
    fpr: Rate | None
    fpr_worst: float | None
    agreement: Rate | None
    agreement_worst: float | None
    clean: Mean | None
    clean_p95: float | None
    clean_knowing: Mean | None
    one_trip: Rate | None
    trips_p95: float | None
    known: Mean | None
    discovery: int | None
    preparation: int
    once: int
    triggers: Mean | None
    box_overlap: Mean | None
    pixel_overlap: Mean | None
    cpu_ms: Mean | None


def figures(case: Case, runs: Sequence[Run]) -> Figures:
    """Return what *runs*, at least one with an image, come to."""
    seen = detection(case, runs)
    parts, costs = [series(run) for run in runs], seen.costs
    through = [_let_through(run) for run in runs]
    return Figures(
        runs=seen.runs,
        images=seen.images,
        tpr=seen.flagged.tpr,
        tpr_worst=lowest(parts, flagged_poisoned),
        first_flagged=seen.first_flagged,
        first_sight=pooled_share(parts, flagged_at_first_sight),
        first_sight_worst=lowest(parts, flagged_at_first_sight),
        known_flagged=pooled_share(parts, flagged_when_known),
        known_flagged_worst=lowest(parts, flagged_when_known),
        let_through=share(np.concatenate(through)),
        let_through_worst=max((float(one.mean()) for one in through if len(one)), default=None),
        by_third=pooled_share(parts, flagged_by_third),
        from_third=pooled_share(parts, flagged_from_third),
        from_third_worst=lowest(parts, flagged_from_third),
        fpr=seen.flagged.fpr,
        fpr_worst=highest(parts, flagged_clean),
        agreement=seen.agreement,
        agreement_worst=lowest(parts, answered_rightly),
        clean=costs.clean,
        clean_p95=costs.clean_p95,
        clean_knowing=costs.clean_knowing,
        one_trip=costs.one_trip,
        trips_p95=costs.trips_p95,
        known=costs.known,
        discovery=max((cost for run in runs for cost in _discoveries(run)), default=None),
        preparation=max(run.prepared.inferences for run in runs),
        once=max(run.prepared.inferences + _shared(run) for run in runs),
        triggers=seen.triggers,
        box_overlap=_best(runs, lambda stamp, found: box_of(stamp).overlap(found.box)),
        pixel_overlap=_best(runs, overlap),
        cpu_ms=mean([1000 * cpu_s for run in runs for cpu_s in _clean_cpu_s(run)]),
    )


def _let_through(run: Run) -> NDArray[np.bool_]:
    wanted = [one.target for one in run.stamps if one.target is not None]
    return let_through_when_known(series(run), wanted)


def _discoveries(run: Run) -> list[int]:
    seen = series(run)
    costs: list[int] = seen.inferences[discoveries(seen)].tolist()
    return costs


def _shared(run: Run) -> int:
    return sum(one.shared for one in run.screened)


def _best(runs: Sequence[Run], fit: Callable[[Stamp, Trigger], float]) -> Mean | None:
    return mean(
        [
            max((fit(stamp, one.trigger) for one in run.found), default=0.0)
            for run in runs
            for stamp in run.stamps
        ]
    )


def _clean_cpu_s(run: Run) -> Iterator[float]:
    for screened, poisoned in zip(run.screened, run.stream.poisoned, strict=False):
        if not poisoned and screened.cpu_s is not None:
            yield screened.cpu_s
