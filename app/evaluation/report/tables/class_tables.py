"""RQ3's tables: accuracies, and how often each class is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.evaluation.plan import Experiment
from app.evaluation.report.tables.sheet import SUBJECT, Sheet, class_name
from app.evaluation.report.tables.wording import number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.evaluation.experiments.rq3_classes import ClassCount, Classes

_ACCURACY = (
    "Accuracy: answers that are the true class, of the model without the trigger, of the "
    "model with it, of the defence. First discovery: the image, from 1, that revealed the "
    "trigger."
)


def class_tables(
    classes: Sequence[Classes], names: Mapping[str, tuple[str, ...]], most: int | None = None
) -> Iterator[Sheet]:
    """Return RQ3's tables, none if it wasn't asked for; of each subject's classes the *most* hit.

    *names* are each subject's class names.
    """
    if classes:
        yield _accuracies(classes)
    for one in classes:
        yield _class_counts(one, names.get(one.case.subject, ()), most)


def _accuracies(classes: Sequence[Classes]) -> Sheet:
    return Sheet(
        Experiment.RQ3,
        "Accuracy with all images poisoned (NEO, Tables VIII to X)",
        (
            SUBJECT,
            "Strategy",
            "Flagged",
            "First discovery",
            "Accuracy, clean",
            "Accuracy, poisoned",
            "Accuracy, fixed",
        ),
        tuple(
            (
                one.case.subject,
                one.case.strategy,
                percent(one.flagged),
                number(one.first_discovery),
                percent(one.clean),
                percent(one.poisoned),
                percent(one.fixed),
            )
            for one in classes
        ),
        (_ACCURACY,),
    )


def _class_counts(one: Classes, names: Sequence[str], most: int | None) -> Sheet:
    shown = sorted(one.counts, key=_moved, reverse=True)[:most]
    left_out = len(one.counts) - len(shown)
    return Sheet(
        Experiment.RQ3,
        f"Answers by class: {one.case.subject}, {one.case.strategy}",
        ("Class", "True", "Clean", "Poisoned", "Fixed"),
        tuple(
            (
                class_name(count.index, names),
                *(f"{n:,}" for n in (count.truth, count.clean, count.poisoned, count.fixed)),
            )
            for count in sorted(shown, key=lambda count: count.index)
        ),
        (f"{left_out} more classes, which the trigger moves less, are in the JSON and the page.",)
        if left_out
        else (),
        names=1,
    )


def _moved(count: ClassCount) -> int:
    return abs(count.poisoned - count.clean)
