"""What differs from one secret to another: marks of one run's images, and the worst run's share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.measures.metrics import share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from app.evaluation.measures.intervals import Rate
    from app.evaluation.measures.series import Series

    Marks = Callable[[Series], NDArray[np.bool_]]


def flagged_poisoned(seen: Series) -> NDArray[np.bool_]:
    """Tell which poisoned images were flagged."""
    return seen.flagged[seen.poisoned]


def flagged_clean(seen: Series) -> NDArray[np.bool_]:
    """Tell which clean images were flagged."""
    return seen.flagged[~seen.poisoned]


def answered_rightly(seen: Series) -> NDArray[np.bool_]:
    """Tell which images got the answer that the model has for their clean version."""
    return np.equal(seen.answer, seen.right)


def flagged_at_first_sight(seen: Series) -> NDArray[np.bool_]:
    """Tell it of the flipped images up to the first that was flagged: none knew the trigger yet."""
    return seen.flagged[_flipped(seen) & ~_known(seen)]


def flagged_when_known(seen: Series) -> NDArray[np.bool_]:
    """Tell it of the flipped images after the first poisoned one that was flagged."""
    return seen.flagged[_flipped(seen) & _known(seen)]


def let_through_when_known(seen: Series, wanted: Sequence[int]) -> NDArray[np.bool_]:
    """Tell which of these were answered with a class that is *wanted*, as if nothing were there.

    What the trigger makes the model call a third class isn't flagged, nor what the attacker wants.
    """
    through = ~seen.flagged & np.isin(seen.answer, wanted)
    return through[_flipped(seen) & _known(seen)]


def flagged_from_third(seen: Series) -> NDArray[np.bool_]:
    """Tell it of the flipped images from the third on."""
    return seen.flagged[_flipped(seen)][2:]


def flagged_by_third(seen: Series) -> NDArray[np.bool_]:
    """Tell if one of the first three flipped images was flagged: one mark, or none without any."""
    marks = seen.flagged[_flipped(seen)][:3]
    return np.array([marks.any()] if len(marks) else [], np.bool_)


def pooled_share(parts: Sequence[Series], marks: Marks) -> Rate | None:
    """Return the share of all runs' marks that are set."""
    return share(np.concatenate([marks(part) for part in parts]))


def lowest(parts: Sequence[Series], marks: Marks) -> float | None:
    """Return the least share of any run that has marks."""
    return min(_shares(parts, marks), default=None)


def highest(parts: Sequence[Series], marks: Marks) -> float | None:
    """Return the largest share of any run that has marks."""
    return max(_shares(parts, marks), default=None)


def _shares(parts: Sequence[Series], marks: Marks) -> Iterator[float]:
    for its in map(marks, parts):
        if len(its):
            yield float(its.mean())


def _flipped(seen: Series) -> NDArray[np.bool_]:
    """Tell which poisoned images the model doesn't call what it calls their clean versions."""
    return seen.poisoned & np.not_equal(seen.said, seen.right)


def _known(seen: Series) -> NDArray[np.bool_]:
    hits = np.flatnonzero(seen.poisoned & seen.flagged)
    return np.arange(len(seen)) > (hits[0] if len(hits) else len(seen))
