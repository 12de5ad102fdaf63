"""The streams of the table: the same for every defence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.records import NO_ANSWER, Stream
from app.evaluation.runs.streams import SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.evaluation.field.models import Poisoned
    from app.evaluation.subjects.subject import Subject


@dataclass(frozen=True, eq=False)
class FieldStream:
    """A stream, and what the attacker wants each image called (n,): NO_ANSWER of a clean one."""

    stream: Stream
    wanted: NDArray[np.int64]


def field_stream(subject: Subject, poisoned: Poisoned | None, seed: int, n: int) -> FieldStream:
    """Return *n* test images in random order, a tenth of them poisoned; fewer where there are."""
    rng = np.random.default_rng(seed)
    length = min(n, len(subject.test))
    count = 0 if poisoned is None else min(round(SHARE * length), len(poisoned.index))
    taken = np.arange(0) if poisoned is None else rng.permutation(len(poisoned.index))[:count]
    victims = np.arange(0) if poisoned is None else poisoned.index[taken]
    others = rng.permutation(np.setdiff1d(np.arange(len(subject.test)), victims))
    others = others[: length - count]

    places = rng.permutation(len(others) + count)
    order = np.concatenate([victims, others])[places].astype(np.int64)
    marks = (np.arange(len(places)) < count)[places]
    clean, labels = subject.test[order], subject.labels[order]
    images, wanted = clean.copy(), np.full(len(order), NO_ANSWER)
    if poisoned is not None:
        which = taken[places[marks]]
        images[marks], wanted[marks] = poisoned.images[which], poisoned.wanted[which]
    return FieldStream(Stream(images, clean, labels, marks), wanted)
