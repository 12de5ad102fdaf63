"""What was caught, what was wrongly flagged, and which answers came out right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.measures.intervals import Rate, rate
from app.evaluation.records import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.evaluation.measures.series import Series


@dataclass(frozen=True)
class Counts:
    """Poisoned images with a mark and without one, clean images without one and with one.

    ``tpr`` is TP of all poisoned images, ``fpr`` FP of all clean ones; None where there is none.
    """

    tp: int
    fn: int
    tn: int
    fp: int
    tpr: Rate | None
    fpr: Rate | None


def counts(marked: NDArray[np.bool_], poisoned: NDArray[np.bool_]) -> Counts:
    """Count the *marked* images among the *poisoned* ones and the others."""
    tp, fp = int((marked & poisoned).sum()), int((marked & ~poisoned).sum())
    bad = int(poisoned.sum())
    good = len(poisoned) - bad
    return Counts(tp, bad - tp, good - fp, fp, rate(tp, bad), rate(fp, good))


def share(marks: NDArray[np.bool_]) -> Rate | None:
    """Return the share of *marks* that are set."""
    return rate(int(marks.sum()), len(marks))


def named_classes(*columns: NDArray[np.int64]) -> list[int]:
    """Return the classes in any of *columns*, in order; an image without an answer has none."""
    every: list[int] = np.unique(np.concatenate(columns)).tolist()
    return [index for index in every if index != NO_ANSWER]


def agreement(seen: Series) -> Rate | None:
    """Return the share of the final answers that a perfect defence would have given."""
    return share(seen.answer == seen.right)


def attack_success(seen: Series) -> Rate | None:
    """Return the share of the poisoned images for which the model's answer is not the right one."""
    return share((seen.said != seen.right)[seen.poisoned])


def recovered(seen: Series) -> Rate | None:
    """Return the share of the poisoned images whose final answer is that of their clean version."""
    return share((seen.answer == seen.right)[seen.poisoned])


def first_flagged(runs: Sequence[Series]) -> Rate | None:
    """Return in how many of the runs the first poisoned image was flagged."""
    firsts = [bool(seen.flagged[seen.poisoned][0]) for seen in runs if seen.poisoned.any()]
    return share(np.array(firsts, bool))
