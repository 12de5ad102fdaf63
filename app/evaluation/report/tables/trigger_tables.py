"""RQ4's tables: the true triggers and the found ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.evaluation.plan import Experiment
from app.evaluation.report.tables.sheet import SUBJECT, Sheet, class_name
from app.evaluation.report.tables.wording import NONE, index, index_of, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.evaluation.experiments.case import Case
    from app.evaluation.experiments.rq4_reconstruction import FoundTrigger, Likeness, Reconstruction

    Names = Mapping[str, tuple[str, ...]]

_OVERLAP = (
    "Overlap: intersection over union of the true trigger's pixels with those of the found "
    "one that fits best; 0: none touches it."
)

_FOUND = (
    "Carries: share of the transplants that answered the target; nature: share of clean images of"
    " the target's class that do so with the same box. Heals: share of its images that blocking"
    " gives their right answer back. Turned: references that show the target with it on."
)


def trigger_tables(reconstructions: Sequence[Reconstruction], names: Names) -> Iterator[Sheet]:
    """Return RQ4's tables, none if it wasn't asked for. *names* are each subject's class names."""
    true = [(one.case, each) for one in reconstructions for each in one.likenesses]
    found = [(one.case, each) for one in reconstructions for each in one.found]
    if true:
        yield _likenesses(true, names)
    if reconstructions:
        yield _found(found, names)


def _likenesses(
    true: Sequence[tuple[Case, Likeness]], names: Mapping[str, tuple[str, ...]]
) -> Sheet:
    return Sheet(
        Experiment.RQ4,
        "The true triggers, and how well the found ones fit them",
        (SUBJECT, "Strategy", "Trigger", "Place", "Leads to", "Overlap", "Each run"),
        tuple(
            (
                case.subject,
                case.strategy,
                one.stamp,
                place(one.box),
                NONE if one.target is None else class_name(one.target, names.get(case.subject, ())),
                index_of(one.mean_overlap),
                ", ".join(map(index, one.overlaps)),
            )
            for case, one in true
        ),
        (_OVERLAP,),
        names=5,
    )


def _found(
    found: Sequence[tuple[Case, FoundTrigger]], names: Mapping[str, tuple[str, ...]]
) -> Sheet:
    head = (
        SUBJECT,
        "Strategy",
        "Found",
        "Place",
        "Leads to",
        "First in",
        "Overlap",
        "Carries",
        "Nature",
        "Heals",
        "Turned",
    )
    return Sheet(
        Experiment.RQ4,
        "The triggers that were found",
        head,
        tuple(_row(case, one, names.get(case.subject, ())) for case, one in found),
        (_FOUND,) if found else ("None was found.",),
        names=6,
    )


def _row(case: Case, one: FoundTrigger, names: Sequence[str]) -> tuple[str, ...]:
    target = class_name(one.target, names)
    source = "" if one.source is None else f" from {class_name(one.source, names)}"
    return (
        case.subject,
        case.strategy,
        one.id,
        place(one.box),
        target + source,
        f"seed {one.seed}, image {one.image}",
        index(one.best_overlap),
        index(one.evidence.carry_rate),
        index(one.evidence.placebo),
        index(one.evidence.heal_rate),
        f"{one.turned} of {one.stamped}",
    )
