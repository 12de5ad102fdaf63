"""RQ4: the trigger that was found, beside the true one (Figures 3, 5, 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.evaluation.measures.intervals import Mean, mean
from app.evaluation.measures.overlap import box_of, overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.geometry import Box
    from app.detection.trigger import Evidence, Fill
    from app.evaluation.experiments.case import Case
    from app.evaluation.records import Found, Run, Stamp


@dataclass(frozen=True)
class Likeness:
    """A true trigger, and how well the triggers found in the case's runs fit it.

    ``overlaps`` has one number a run: the intersection over union with the found one that fits
    best, 0 where none was found. ``mean_overlap`` is their mean. A stamp that moves is taken at its
    middle place, so its overlaps tell little.
    """

    stamp: str
    target: int | None
    box: Box
    overlaps: tuple[float, ...]
    mean_overlap: Mean | None


@dataclass(frozen=True)
class FoundTrigger:
    """A trigger that a run found: what the library knows of it in the end.

    ``image`` is the number, from 1, of the image that revealed it. ``turned`` of ``stamped``
    examples, references that don't show the target, showed it with the trigger on.
    ``best_overlap`` is with the true trigger that it fits best, None where none is known.
    """

    seed: int
    id: str
    target: int
    source: int | None
    box: Box
    exact: bool
    fill: Fill
    image: int
    turned: int
    stamped: int
    best_overlap: float | None
    evidence: Evidence


@dataclass(frozen=True)
class Reconstruction:
    """One case: its true triggers and the found ones."""

    case: Case
    runs: int
    likenesses: tuple[Likeness, ...]
    found: tuple[FoundTrigger, ...]


def reconstruction(case: Case, runs: Sequence[Run]) -> Reconstruction:
    """Return how well the triggers found in *runs*, at least one, fit the true ones."""
    return Reconstruction(
        case=case,
        runs=len(runs),
        likenesses=tuple(_likeness(stamp, runs) for stamp in runs[0].stamps),
        found=tuple(_found(one, run) for run in runs for one in run.found),
    )


def best_fitting(stamp: Stamp, found: Sequence[Found]) -> Found | None:
    """Return the trigger of *found* that covers *stamp* best, None where none touches it."""
    best = max(found, key=lambda one: overlap(stamp, one.trigger), default=None)
    return best if best is not None and overlap(stamp, best.trigger) else None


def _likeness(stamp: Stamp, runs: Sequence[Run]) -> Likeness:
    overlaps = tuple(
        max((overlap(stamp, one.trigger) for one in run.found), default=0.0) for run in runs
    )
    return Likeness(stamp.name, stamp.target, box_of(stamp), overlaps, mean(overlaps))


def _found(one: Found, run: Run) -> FoundTrigger:
    trigger = one.trigger
    return FoundTrigger(
        seed=run.seed,
        id=one.id,
        target=trigger.target,
        source=trigger.source,
        box=trigger.box,
        exact=trigger.mask is not None,
        fill=trigger.blocker.fill,
        image=one.first_seen + 1,
        turned=sum(after == trigger.target for _, _, _, after in one.examples),
        stamped=len(one.examples),
        best_overlap=max((overlap(stamp, trigger) for stamp in run.stamps), default=None),
        evidence=trigger.evidence,
    )
