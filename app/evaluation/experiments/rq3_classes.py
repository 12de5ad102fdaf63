"""RQ3: all images poisoned: classes and accuracy, clean, poisoned and fixed (Tables VIII to X)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.evaluation.experiments.costs import discoveries
from app.evaluation.measures.intervals import Mean, Rate, mean
from app.evaluation.measures.metrics import counts, named_classes, share
from app.evaluation.measures.series import pooled, series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.evaluation.experiments.case import Case
    from app.evaluation.records import Run


@dataclass(frozen=True)
class ClassCount:
    """How many images are of the class ``index`` by truth, and are given it in each set."""

    index: int
    truth: int
    clean: int
    poisoned: int
    fixed: int


@dataclass(frozen=True)
class Classes:
    """One case on streams in which every image is poisoned.

    ``clean`` is the accuracy (against the true classes) of the model's answers without the trigger,
    ``poisoned`` of those with it, ``fixed`` of the defence's. ``first_discovery`` is the number of
    the image, from 1, that revealed the first trigger, in those runs in which one did.
    """

    case: Case
    runs: int
    images: int
    flagged: Rate | None
    first_discovery: Mean | None
    clean: Rate | None
    poisoned: Rate | None
    fixed: Rate | None
    counts: tuple[ClassCount, ...]


def classes(case: Case, runs: Sequence[Run]) -> Classes:
    """Return what becomes of *runs*, the case's streams with nothing but poisoned images."""
    parts = [series(run) for run in runs]
    seen = pooled(parts)
    sets = (seen.truth, seen.right, seen.said, seen.answer)
    return Classes(
        case=case,
        runs=len(runs),
        images=len(seen),
        flagged=counts(seen.flagged, seen.poisoned).tpr,
        first_discovery=mean([float(at[0]) + 1 for at in map(discoveries, parts) if len(at)]),
        clean=share(seen.right == seen.truth),
        poisoned=share(seen.said == seen.truth),
        fixed=share(seen.answer == seen.truth),
        counts=tuple(
            ClassCount(index, *(int((one == index).sum()) for one in sets))
            for index in named_classes(*sets)
        ),
    )
