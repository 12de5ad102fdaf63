"""How suspicious clean images are: measured once on the references (`docs/detection.md` 9)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.reference_set.opinion import Opinion
from app.detection.search import probe_for_all
from app.detection.second_opinion.lens import LAID, drawn, laid, learnt_span, weight
from app.detection.second_opinion.splitting import halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images, Search
    from app.detection.second_opinion.span import Span

MEASURED = 500  # clean images at most
TRIED = 160  # of them, whose residues show which references hold out
OFFERED = 72  # references that residues may be laid over
KEPT = 24  # of them: those that they turn least
CLASSES = 4  # that they are of at least, where there are so many
TOGETHER = 8  # images whose residues are asked together
PRIOR = 20.0  # residues of any class that a class's own rate is mixed with
LEAST_RATE = 0.005  # that a class is taken to have


def measured(images: Images, labels: NDArray[np.int64], seed: int) -> Search[Opinion]:
    """Measure the references *images* (n, h, w, c), which the model calls *labels*."""
    rng = np.random.default_rng([seed % 2**32, 1])
    learnt, others = halves(images, seed)
    others = others[:MEASURED]
    span = learnt_span(images, seed)
    offered = learnt[np.argsort(_turns(learnt, labels), kind="stable")[:OFFERED]]
    tried = others[:TRIED]
    told = yield from _asked(tried, _drawn(offered, tried, rng)[:, :LAID], images, labels, span)
    onto = _mixed(offered[np.argsort(told.turned(offered), kind="stable")], labels)

    chosen = _drawn(onto, others, rng)
    told = yield from _asked(others, chosen[:, :LAID], images, labels, span)
    rates, counts = told.rates(), told.counts()
    more = np.flatnonzero(_sums(others, counts, labels, rates) >= 0)
    if len(more) and chosen.shape[1] > LAID:
        further = yield from _asked(others[more], chosen[more, LAID:], images, labels, span)
        counts[more] += further.counts()
    sums = _sums(others, counts, labels, rates)
    return Opinion(onto, rates, np.sort(sums)[::-1].copy())


def _sums(
    others: NDArray[np.int64],
    counts: NDArray[np.int64],
    labels: NDArray[np.int64],
    rates: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return what speaks for a trigger in each of *others* (n,) by their *counts* (n, 2)."""
    weights = [
        weight(int(labels[one]), its, rates) for one, its in zip(others, counts, strict=True)
    ]
    return np.array(weights, np.float32)


def _mixed(ordered: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the first ones, not too many of a class: one's own say nothing of an image."""
    late = _turns(ordered, labels) >= KEPT // CLASSES
    return ordered[np.argsort(late, kind="stable")[:KEPT]]


def _turns(ordered: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of *ordered* how many of its class are before it."""
    turns = np.empty(len(ordered), np.int64)
    seen: Counter[int] = Counter()
    for i, one in enumerate(labels[ordered]):
        turns[i] = seen[int(one)]
        seen[int(one)] += 1
    return turns


def _drawn(
    onto: NDArray[np.int64], others: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return for each of *others* some of *onto* (n, m)."""
    return np.stack([drawn(onto, rng) for _ in others])


@dataclass(frozen=True, eq=False)
class _Told:
    """Of n clean images ``of``: the references ``onto`` (n, m) and what was ``said`` (n, m)."""

    labels: NDArray[np.int64]
    of: NDArray[np.int64]
    onto: NDArray[np.int64]
    said: NDArray[np.int64]

    @property
    def telling(self) -> NDArray[np.bool_]:
        """Which answers say something (n, m): those on references of another class."""
        different: NDArray[np.bool_] = self.labels[self.onto] != self.labels[self.of][:, None]
        return different

    @property
    def carried(self) -> NDArray[np.bool_]:
        """Which of them are the image's own class (n, m)."""
        same: NDArray[np.bool_] = self.said == self.labels[self.of][:, None]
        return self.telling & same

    def turned(self, offered: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how often each of *offered* was turned to a residue's class."""
        hits, tried = np.zeros(len(self.labels)), np.zeros(len(self.labels))
        np.add.at(tried, self.onto, self.telling)
        np.add.at(hits, self.onto, self.carried)
        shares: NDArray[np.float64] = ((hits + 0.5) / (tried + 1))[offered]
        return shares

    def rates(self) -> NDArray[np.float32]:
        """Return each class and how often the residues of its images carry it (classes, 2)."""
        mean, rates = self.carried.sum() / max(self.telling.sum(), 1), []
        for label in np.unique(self.labels):
            its = self.labels[self.of] == label
            hits, tried = self.carried[its].sum(), self.telling[its].sum()
            rate = (hits + PRIOR * mean) / (tried + PRIOR)
            rates.append((label, np.clip(rate, LEAST_RATE, 1 - LEAST_RATE)))
        return np.array(rates, np.float32)

    def counts(self) -> NDArray[np.int64]:
        """Return of each image how many residues carried, and how many could have (n, 2)."""
        counts: NDArray[np.int64] = np.stack([self.carried.sum(1), self.telling.sum(1)], axis=1)
        return counts


def _asked(
    others: NDArray[np.int64],
    onto: NDArray[np.int64],
    images: Images,
    labels: NDArray[np.int64],
    span: Span,
) -> Search[_Told]:
    """Lay the residue of each of *others* (n,) over its *onto* (n, m)."""
    said = []
    for start in range(0, len(others), TOGETHER):
        part = slice(start, start + TOGETHER)
        probes = [
            laid(span.residue(images[one]), images[its])
            for one, its in zip(others[part], onto[part], strict=True)
        ]
        answers = yield probe_for_all(np.concatenate(probes))
        said.append(answers.labels.reshape(len(probes), -1))
    return _Told(labels, others, onto, np.concatenate(said))
