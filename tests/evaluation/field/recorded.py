"""Cells as they are recorded, by hand."""

from __future__ import annotations

import numpy as np

from app.evaluation.field.columns import Columns


def columns(score: list[float], *, poisoned: int, line: float = 0.5) -> Columns:
    """Return what a defence that refuses recorded of images with these scores.

    The last *poisoned* carry the trigger; class 1 is what the attacker wants, all others are 0.
    """
    n = len(score)
    marks = np.arange(n) >= n - poisoned
    flagged = np.array(score) > line
    said = np.where(marks, 1, 0)
    return Columns(
        poisoned=marks,
        truth=np.zeros(n, np.int64),
        right=np.zeros(n, np.int64),
        wanted=np.where(marks, 1, -1),
        said=said,
        answer=np.where(flagged, -1, said),
        score=np.array(score),
        flagged=flagged,
        inferences=np.full(n, 12),
        round_trips=np.full(n, 1),
        seconds=np.full(n, 0.005),
        overlap=None,
        preparation=100,
        plain_s=0.001,
    )
