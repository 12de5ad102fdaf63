"""What a deployment's stream comes to, in the figures of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.benchmarks.photos.measuring import Deployment
    from tests.benchmarks.photos.stream import PhotoModel

OK = 200


@dataclass(frozen=True)
class Figures:
    """One deployment's figures; None is what didn't occur, shares are from 0 to 1.

    ``flipped``: poisoned photographs that the model would have called the target, and not without
    the sticker; the shares of poisoned ones are of these. ``known_missed`` is of those that came
    after the first poisoned one that was flagged; no answer is a miss as well. ``flagged_right``:
    flagged ones whose final answer is the model's on the same photograph without the sticker;
    ``agreement`` the same of all. ``target_answered`` counts. Inferences and round trips are
    counted at the upstream, the image's own included; ``discovery`` is the largest.
    ``box_overlap`` and ``mask_overlap``: intersection over union of the trigger with the most hits,
    once it has five, with the sticker where it fits best. A sticker that varies in place lies at
    that of the picture by chance only: so ``shape_overlap`` is the picture's with the sticker that
    it fits best wherever either lies, their middles laid on one another.
    """

    flipped: int
    tpr: float | None
    known_missed: float | None
    first_flagged: float | None
    fpr: float
    flagged_right: float | None
    agreement: float
    target_answered: int
    clean: float
    clean_p95: float
    one_trip: float
    known: float | None
    discovery: int | None
    discovery_trips: int | None
    unanswered: int
    triggers: int
    box_overlap: float | None
    mask_overlap: float | None
    shape_overlap: float | None
    p95_s: float
    cpu_ms: float
    rss_mb: float
    preparation: int


def figures(model: PhotoModel, seen: Deployment) -> Figures:
    """Return what one deployment comes to."""
    poisoned = seen.stream.poisoned
    answer = np.array([-1 if one.answer is None else one.answer for one in seen.answered])
    flagged = np.array([one.flagged for one in seen.answered])
    cost = np.array([one.inferences for one in seen.answered])
    trips = np.array([one.rounds for one in seen.answered])
    flipped = poisoned & (seen.plain == model.target) & (seen.unstamped != model.target)
    hits = np.flatnonzero(poisoned & flagged)
    known = flipped & (np.arange(len(flagged)) > (hits[0] if len(hits) else len(flagged)))
    untouched = ~poisoned & ~flagged
    found = np.array([one.screening == "discovered" for one in seen.answered]) & poisoned
    right = answer == seen.unstamped
    box, mask, shape = _overlaps(seen)
    return Figures(
        flipped=int(flipped.sum()),
        tpr=_mean(flagged[flipped]),
        known_missed=_mean(~flagged[known]),
        first_flagged=float(flagged[flipped][0]) if flipped.any() else None,
        fpr=float(flagged[~poisoned].mean()),
        flagged_right=_mean(right[flagged]),
        agreement=float(right.mean()),
        target_answered=int((flipped & (answer == model.target)).sum()),
        clean=float(cost[untouched].mean()),
        clean_p95=float(np.percentile(cost[untouched], 95)),
        one_trip=float((trips[untouched] == 1).mean()),
        known=_mean(cost[known & flagged]),
        discovery=int(cost[found].max()) if found.any() else None,
        discovery_trips=int(trips[found].max()) if found.any() else None,
        unanswered=sum(one.status != OK for one in seen.answered),
        triggers=seen.triggers,
        box_overlap=box,
        mask_overlap=mask,
        shape_overlap=shape,
        p95_s=float(np.percentile([one.seconds for one in seen.answered], 95)),
        cpu_ms=1000 * seen.cpu_s / len(seen.answered),
        rss_mb=seen.rss / 1e6,
        preparation=seen.preparation,
    )


def _mean(values: NDArray[np.bool_] | NDArray[np.int64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _overlaps(seen: Deployment) -> tuple[float | None, float | None, float | None]:
    """Return those of the box, of the mask and of its shape; 0 where there is nothing to show."""
    true = [*seen.stream.covered.values()]
    if not true:
        return None, None, None
    if seen.settled is None:
        return 0.0, 0.0, 0.0
    box = np.zeros_like(seen.settled.own)
    box[seen.settled.box.rows, seen.settled.box.columns] = True
    return (
        max(overlap(box, _filled(one)) for one in true),
        max(overlap(seen.settled.own, one) for one in true),
        max(overlap(_in_the_middle(seen.settled.own), _in_the_middle(one)) for one in true),
    )


def _in_the_middle(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return *mask* moved so that the middle of its box is the middle of all."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    off = [
        side // 2 - (int(some[0]) + int(some[-1]) + 1) // 2
        for side, some in zip(mask.shape, (rows, columns), strict=True)
    ]
    return np.roll(mask, off, axis=(0, 1))


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the box around *mask*."""
    rows, columns = np.nonzero(mask)
    box = np.zeros_like(mask)
    box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    return box


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the intersection over union of two masks."""
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 0.0
