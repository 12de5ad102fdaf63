"""RQ4's tables: the true triggers and the found ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.evaluation.plan import Experiment
from app.evaluation.report.class_tables import class_name
from app.evaluation.report.sheet import Sheet
from app.evaluation.report.wording import NONE, index, number, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.evaluation.case import Case
    from app.evaluation.rq4_reconstruction import FoundTrigger, Likeness, Reconstruction

_OVERLAP = (
    "Overlap: intersection over union of the true trigger's pixels with those of the found "
    "one that fits best; 0: none touches it."
)


def trigger_tables(
    reconstructions: Sequence[Reconstruction], names: dict[str, tuple[str, ...]]
) -> Iterator[Sheet]:
    """Return RQ4's tables, none if it wasn't asked for. *names* are each subject's class names."""
    true = [(one.case, each) for one in reconstructions for each in one.likenesses]
    found = [(one.case, each) for one in reconstructions for each in one.found]
    if true:
        yield _likenesses(true, names)
    if reconstructions:
        yield _found(found, names)


def _likenesses(true: Sequence[tuple[Case, Likeness]], names: dict[str, tuple[str, ...]]) -> Sheet:
    return Sheet(
        Experiment.RQ4,
        "RQ4: the true triggers, and how well the found ones fit them",
        ("Subject", "Strategy", "Trigger", "Place", "Leads to", "Overlap", "Each run"),
        tuple(
            (
                case.subject,
                case.strategy,
                one.stamp,
                place(one.box),
                NONE if one.target is None else class_name(one.target, names.get(case.subject, ())),
                number(one.mean_overlap),
                ", ".join(map(index, one.overlaps)),
            )
            for case, one in true
        ),
        (_OVERLAP,),
        names=5,
    )


def _found(found: Sequence[tuple[Case, FoundTrigger]], names: dict[str, tuple[str, ...]]) -> Sheet:
    head = (
        "Subject",
        "Strategy",
        "Found",
        "Place",
        "Leads to",
        "Seed",
        "Image",
        "Overlap",
        "Carry rate",
        "Placebo",
        "Heal rate",
        "Examples turned",
    )
    return Sheet(
        Experiment.RQ4,
        "RQ4: the triggers that were found",
        head,
        tuple(_row(case, one, names.get(case.subject, ())) for case, one in found),
        () if found else ("None was found.",),
        names=5,
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
        str(one.seed),
        str(one.image),
        index(one.best_overlap),
        index(one.evidence.carry_rate),
        index(one.evidence.placebo),
        index(one.evidence.heal_rate),
        f"{one.turned} of {one.stamped}",
    )
