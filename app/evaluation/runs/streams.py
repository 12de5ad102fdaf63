"""Streams of test images, some of them poisoned: what the paper's experiments are run on.

Where there are too few images a stream is shorter, or has fewer poisoned ones; never is the same
image in it twice. Without an attack none is poisoned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.records import Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.evaluation.subjects.subject import Subject

LENGTH = 500  # images; NEO, section V
SHARE = 0.1  # of them are poisoned; NEO, section V


def mixed_stream(subject: Subject, seed: int, n: int = LENGTH, share: float = SHARE) -> Stream:
    """Return *n* images, a *share* of them poisoned at random places (NEO, RQ1)."""
    rng = np.random.default_rng(seed)
    length = min(n, len(subject.test))
    return _stream(subject, _some_of(np.ones(length, bool), share, rng), rng)


def stream_with_first_poisoned_at(
    subject: Subject, seed: int, percentile: float, n: int = LENGTH
) -> Stream:
    """Return *n* images, the first poisoned one at a *percentile* of the stream (NEO, RQ2).

    After it the usual share is poisoned.
    """
    rng = np.random.default_rng(seed)
    length = min(n, len(subject.test))
    first = min(int(length * percentile / 100), length - 1)
    places = _some_of(np.arange(length) > first, SHARE, rng)
    places[first] = True
    return _stream(subject, places, rng)


def all_poisoned(subject: Subject, seed: int, n: int = LENGTH) -> Stream:
    """Return *n* images that are all poisoned (NEO, RQ3); without an attack none is."""
    rng = np.random.default_rng(seed)
    most = int(_victims(subject).sum()) if subject.attack else len(subject.test)
    return _stream(subject, np.ones(min(n, most), bool), rng)


def _some_of(
    possible: NDArray[np.bool_], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose a *share* of the *possible* places."""
    places = rng.permutation(np.flatnonzero(possible))
    return np.isin(np.arange(len(possible)), places[: round(share * len(places))])


def _stream(subject: Subject, places: NDArray[np.bool_], rng: np.random.Generator) -> Stream:
    """Put victims at the poisoned *places*, as far as there are any, and other images elsewhere."""
    victims = rng.permutation(np.flatnonzero(_victims(subject)))
    poisoned = places & (np.cumsum(places) <= len(victims))
    chosen = victims[: poisoned.sum()]
    others = rng.permutation(np.setdiff1d(np.arange(len(subject.test)), chosen))
    order = np.empty(len(places), np.int64)
    order[poisoned], order[~poisoned] = chosen, others[: (~poisoned).sum()]

    clean, labels = subject.test[order], subject.labels[order]
    images = clean.copy()
    if subject.attack is not None:
        images[poisoned] = subject.attack.poison(clean[poisoned], labels[poisoned], rng)
    return Stream(images, clean, labels, poisoned)


def _victims(subject: Subject) -> NDArray[np.bool_]:
    if subject.attack is None:
        return np.zeros(len(subject.labels), bool)
    return subject.attack.victims(subject.labels)
