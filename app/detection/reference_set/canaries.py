"""Is it still the same model? A few references are asked again and again (`docs/detection.md` 6.1).

Another model behind the same address makes everything that was measured on the references wrong.
Where the model gives scores they tell at once: another model's are never the same. Labels alone
tell less, for a good model agrees with its successor on most images: each look draws others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import probe_for_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.reference_set.references import Calibration
    from app.detection.search import Images, Search

CANARIES = 32
"""References that are asked: a batch, and a round trip."""

GLANCED = 8
"""Of them that are asked again and again where the model gives scores: those that were least sure,
which another model changes first. Of those that are very sure scores are 0 and 1 for either."""

MOVED = 0.005
"""Of the range of the scores: other hardware or batches move them by up to a fifth of that."""

NOISE = 5.0
"""Times what two looks in a row differ by: a model that answers by chance is no other one."""

OTHER_LABELS = 2
"""References that must have changed their label; one alone may lie on a border."""


def canaries(count: int) -> NDArray[np.intp]:
    """Return which of *count* references are asked for their scores: spread over all of them."""
    return np.linspace(0, count - 1, min(CANARIES, count)).round().astype(np.intp)


def is_another_model(
    images: Images,
    calibration: Calibration,
    rng: np.random.Generator,
    *,
    at_a_glance: bool = False,
) -> Search[bool]:
    """Say if the references *images* (n, h, w, c) get other answers than at their *calibration*.

    What looks like it is asked twice. *at_a_glance*, of scores only a few are compared.
    """
    said = calibration.canary_scores
    if said is not None:
        watched = canaries(len(images))
        if len(said) != len(watched):  # of a calibration that may be damaged
            return True
        some = _least_sure(said) if at_a_glance else np.arange(len(said))
        return (yield from _scores_differ(images[watched[some]], said[some], float(np.ptp(said))))
    asked = rng.permutation(len(images))[:CANARIES]
    for _ in range(2):
        answers = yield probe_for_all(images[asked])
        asked = asked[answers.labels != calibration.labels[asked]]
        if len(asked) < OTHER_LABELS:
            return False
    return True


def _least_sure(said: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return which of the scores (m, classes) are least sure of their class, the first ones."""
    best = np.sort(said, axis=1)[:, -2:]
    return np.argsort(np.ptp(best, axis=1), kind="stable")[:GLANCED]


def _scores_differ(images: Images, said: NDArray[np.float32], span: float) -> Search[bool]:
    first = (yield probe_for_all(images)).scores
    if not _moved(said, first, span):
        return False
    again = (yield probe_for_all(images)).scores
    if first is None or again is None or first.shape != again.shape:
        return True
    return _moved(said, again, span, float(np.abs(first - again).max()))


def _moved(
    before: NDArray[np.float32], now: NDArray[np.float32] | None, span: float, noise: float = 0.0
) -> bool:
    if now is None or now.shape != before.shape:
        return True
    return float(np.abs(now - before).max()) > max(MOVED * span, NOISE * noise)
