"""What twenty images have mixed in, without a stream: proven or not, and what it heals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.noting import ENOUGH, MOST_OF_CLASS
from app.detection.blended.proving import proven
from app.detection.recognising.mixing import unmixed
from app.detection.reference_set.references import Calibration, References
from app.detection.search import Answers, run
from app.detection.second_opinion.lens import learnt_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.detection.search import Images
    from app.detection.second_opinion.span import Span
    from tests.benchmarks.opinion.lenses import Ground
    from tests.benchmarks.opinion.subjects import Subject

HEALED_ON = 200
"""Other poisoned images that what is proven is taken out of."""

MIXED = 5
"""Clean images of the class among the twenty, in a set that isn't pure."""


@dataclass(frozen=True)
class SetRow:
    """One set of twenty: of what, if anything was proven of it, and what that heals."""

    kind: str
    model: str
    of: str
    secret: int
    proven: bool
    alpha: float | None = None
    healed: float | None = None
    """Share of others that get the model's own answer without the trigger again."""


def sets(subject: Subject, secret: int) -> Iterator[SetRow]:
    """Yield a row for each set of *subject*: poisoned ones, or clean ones of each class."""
    prover = _Prover(subject, secret)
    if subject.attack is None:
        yield from prover.of_clean_ones()
    else:
        yield from prover.of_poisoned_ones(subject.attack.target)


class _Prover:
    """The references of a subject under a secret, and what is proven with them."""

    def __init__(self, subject: Subject, secret: int) -> None:
        self._subject, self._secret = subject, secret
        self._ground: Ground = subject.ground(secret)
        nothing = Calibration(self._ground.reference_labels, np.zeros((0, 0), np.int64))
        self._references = References(subject.references, nothing, {}, secret)
        self._span: Span = learnt_span(subject.references, secret)
        self._rng = np.random.default_rng(secret)

    def of_poisoned_ones(self, target: int) -> Iterator[SetRow]:
        """Yield what twenty flipped images prove, and fifteen of them among clean ones."""
        subject, attack = self._subject, self._subject.attack
        assert attack is not None  # as the caller says
        victims = self._rng.permutation(np.flatnonzero(subject.labels != target))
        stamped = attack.stamped(subject.images[victims])
        flipped = self._ground.labels(stamped) == target
        stamped, clean = stamped[flipped], subject.images[victims[flipped]]
        others = slice(ENOUGH, ENOUGH + HEALED_ON)
        yield self._row("poisoned", stamped[:ENOUGH], target, stamped[others], clean[others])
        own = subject.images[subject.labels == target][:MIXED]
        mixture = np.concatenate([own, stamped[: ENOUGH - MIXED]])
        yield self._row(f"{MIXED} clean", mixture, target, stamped[others], clean[others])

    def of_clean_ones(self) -> Iterator[SetRow]:
        """Yield what the oddest twenty images of each class prove, and any twenty."""
        labels = self._ground.labels(self._subject.images)
        for label in np.unique(labels):
            images = self._subject.images[labels == label]
            if len(images) < MOST_OF_CLASS:
                continue
            odd = np.argsort([-float((self._span.residue(one) ** 2).sum()) for one in images])
            yield self._row("oddest", images[odd[:ENOUGH]], int(label))
            any_ = self._rng.permutation(len(images))[:ENOUGH]
            yield self._row("any", images[any_], int(label))

    def _row(
        self,
        of: str,
        images: Images,
        label: int,
        others: Images | None = None,
        clean: Images | None = None,
    ) -> SetRow:
        search = proven(images, label, self._references, self._span, self._secret, 0)
        found = run(search, lambda some: Answers(self._ground.labels(some)))
        told = (self._subject.kind, self._subject.model.name, of, self._secret)
        if found is None:
            return SetRow(*told, proven=False)
        alpha, healed = found.trigger.alpha, None
        if others is not None and clean is not None:
            assert alpha is not None  # it is blended
            without = unmixed(others, found.trigger.patch, alpha)
            right = self._ground.labels(without) == self._ground.labels(clean)
            healed = float(right.mean())
        return SetRow(*told, proven=True, alpha=alpha, healed=healed)
