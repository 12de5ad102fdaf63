"""RQ1: how many poisoned images are caught, and what becomes of the answers (Tables I to VI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.evaluation.experiments.costs import Costs, costs
from app.evaluation.measures.intervals import Mean, Rate, mean
from app.evaluation.measures.jaccard import ClassJaccard, over_pairs, per_class
from app.evaluation.measures.metrics import (
    Counts,
    agreement,
    attack_success,
    counts,
    first_flagged,
    recovered,
)
from app.evaluation.measures.series import Series, pooled, series
from app.evaluation.records import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.evaluation.experiments.case import Case
    from app.evaluation.records import Run


@dataclass(frozen=True)
class Detection:
    """One case over all seeds: counts and rates of all images together, means over the runs.

    ``suspected`` counts before the confirmation, None where that can't be seen; ``flagged`` after
    it. ``refused`` images got no answer, since they may carry a known trigger. ``pairs`` is the
    Jaccard index over input-output pairs with the defence, ``pairs_undefended`` without one;
    ``classes`` has it class by class.
    """

    case: Case
    runs: int
    images: int
    poisoned: int
    suspected: Counts | None
    flagged: Counts
    first_flagged: Rate | None
    agreement: Rate | None
    attack_success: Rate | None
    recovered: Rate | None
    refused: int
    triggers: Mean | None
    pairs: float | None
    pairs_undefended: float | None
    classes: tuple[ClassJaccard, ...]
    costs: Costs


def detection(case: Case, runs: Sequence[Run]) -> Detection:
    """Return what *runs*, the case's streams with poisoned images at random places, come to."""
    parts = [series(run) for run in runs]
    seen = pooled(parts)
    return Detection(
        case=case,
        runs=len(runs),
        images=len(seen),
        poisoned=int(seen.poisoned.sum()),
        suspected=_suspected(seen),
        flagged=counts(seen.flagged, seen.poisoned),
        first_flagged=first_flagged(parts),
        agreement=agreement(seen),
        attack_success=attack_success(seen),
        recovered=recovered(seen),
        refused=int((seen.answer == NO_ANSWER).sum()),
        triggers=mean([len(run.found) for run in runs]),
        pairs=over_pairs(seen.right, seen.answer),
        pairs_undefended=over_pairs(seen.right, seen.said),
        classes=per_class(seen.right, seen.said, seen.answer),
        costs=costs(runs),
    )


def _suspected(seen: Series) -> Counts | None:
    """Count what was suspected; a known trigger is flagged without that."""
    if seen.suspected is None:
        return None
    return counts(seen.suspected | seen.flagged, seen.poisoned)
