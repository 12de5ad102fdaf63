"""What was recorded image by image, as columns of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.evaluation.records import Run


@dataclass(frozen=True, eq=False)
class Series:
    """The n images that a run has screened, in their order; each column is (n,).

    ``truth`` is the image's class, ``right`` what the model says of it without a trigger, ``said``
    what it says of it as it came, ``answer`` what the defence made of that. ``suspected`` is None
    where that can't be seen (through a gateway).
    """

    poisoned: NDArray[np.bool_]
    truth: NDArray[np.int64]
    right: NDArray[np.int64]
    said: NDArray[np.int64]
    answer: NDArray[np.int64]
    suspected: NDArray[np.bool_] | None
    flagged: NDArray[np.bool_]
    screening: tuple[str, ...]
    inferences: NDArray[np.int64]
    round_trips: NDArray[np.int64]
    seconds: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.said)


def series(run: Run) -> Series:
    """Return the images of *run* as columns: as many as have been screened."""
    screened = run.screened
    n = len(screened)
    return Series(
        poisoned=run.stream.poisoned[:n],
        truth=run.stream.labels[:n],
        right=run.right[:n],
        said=np.array([one.said for one in screened], np.int64),
        answer=np.array([one.answer for one in screened], np.int64),
        suspected=_suspected(run),
        flagged=np.array([one.flagged for one in screened], bool),
        screening=tuple(one.screening.value for one in screened),
        inferences=np.array([one.total.inferences for one in screened], np.int64),
        round_trips=np.array([one.total.round_trips for one in screened], np.int64),
        seconds=np.array([one.total.seconds for one in screened], np.float64),
    )


def pooled(parts: Sequence[Series]) -> Series:
    """Return the series of several runs, one after the other; at least one."""
    suspected = [part.suspected for part in parts if part.suspected is not None]
    return Series(
        poisoned=np.concatenate([part.poisoned for part in parts]),
        truth=np.concatenate([part.truth for part in parts]),
        right=np.concatenate([part.right for part in parts]),
        said=np.concatenate([part.said for part in parts]),
        answer=np.concatenate([part.answer for part in parts]),
        suspected=np.concatenate(suspected) if len(suspected) == len(parts) else None,
        flagged=np.concatenate([part.flagged for part in parts]),
        screening=tuple(word for part in parts for word in part.screening),
        inferences=np.concatenate([part.inferences for part in parts]),
        round_trips=np.concatenate([part.round_trips for part in parts]),
        seconds=np.concatenate([part.seconds for part in parts]),
    )


def _suspected(run: Run) -> NDArray[np.bool_] | None:
    marks = [one.suspected for one in run.screened]
    return None if None in marks else np.array(marks, bool)
