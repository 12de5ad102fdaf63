"""How suspicious clean images are: measured once on the references (`docs/detection.md` 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.reference_set.opinion import Opinion
from app.detection.search import Answers, Probe
from app.detection.second_opinion.lens import LAID, laid, learnt_span, weight
from app.detection.second_opinion.splitting import halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images, Search

MEASURED = 500  # clean images at most
OFFERED = 48  # references that residues may be laid over
KEPT = 24  # of them: those that they turn least
TOGETHER = 8  # images whose residues are asked together
PRIOR = 20.0  # residues of any class that a class's own rate is mixed with
LEAST_RATE = 0.005  # that a class is taken to have


def measured(images: Images, labels: NDArray[np.int64], seed: int) -> Search[Opinion]:
    """Measure the references *images* (n, h, w, c), which the model calls *labels*."""
    rng = np.random.default_rng([seed % 2**32, 1])
    learnt, others = halves(images, seed)
    others = others[:MEASURED]
    offered = _diverse(learnt, labels)
    first = yield from _asked(images, others, offered, seed, rng)
    turned = _turned(first, labels, others, offered)
    onto = offered[np.argsort(turned, kind="stable")[: min(KEPT, len(offered))]]
    asked = yield from _asked(images, others, onto, seed, rng)
    rates = _rates(asked, labels, others)
    sums = [
        weight(int(labels[one]), Answers(said), labels[laid_on], rates)
        for one, (laid_on, said) in zip(others, asked, strict=True)
    ]
    return Opinion(onto, rates, np.sort(np.array(sums, np.float32))[::-1].copy())


def _diverse(learnt: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return references of as many classes as can be, in the order in which they come."""
    turns = np.empty(len(learnt), np.int64)
    seen: dict[int, int] = {}
    for i, one in enumerate(learnt):
        turns[i] = seen[int(labels[one])] = seen.get(int(labels[one]), -1) + 1
    return learnt[np.argsort(turns, kind="stable")[:OFFERED]]


def _asked(
    images: Images,
    others: NDArray[np.int64],
    onto: NDArray[np.int64],
    seed: int,
    rng: np.random.Generator,
) -> Search[list[tuple[NDArray[np.int64], NDArray[np.int64]]]]:
    """Lay the residue of each of *others* over some; return over which, and what was said."""
    span = learnt_span(images, seed)
    asked: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for start in range(0, len(others), TOGETHER):
        some = others[start : start + TOGETHER]
        chosen = [rng.choice(onto, min(LAID, len(onto)), replace=False) for _ in some]
        probes = [
            laid(span.residue(images[one]), images[its])
            for one, its in zip(some, chosen, strict=True)
        ]
        answers = yield Probe(np.concatenate(probes), shared=True)
        asked += zip(chosen, answers.labels.reshape(len(some), -1), strict=True)
    return asked


def _turned(
    asked: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    labels: NDArray[np.int64],
    others: NDArray[np.int64],
    offered: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return how often each of *offered* was turned by a residue, to its class."""
    hits, tried = np.zeros(len(labels)), np.zeros(len(labels))
    for one, (its, said) in zip(others, asked, strict=True):
        telling = labels[its] != labels[one]
        np.add.at(tried, its[telling], 1)
        np.add.at(hits, its[telling], said[telling] == labels[one])
    return ((hits + 0.5) / (tried + 1))[offered]


def _rates(
    asked: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    labels: NDArray[np.int64],
    others: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return each class and how often the residues of its images carry it (classes, 2)."""
    counts: dict[int, list[int]] = {int(label): [0, 0] for label in np.unique(labels)}
    for one, (its, said) in zip(others, asked, strict=True):
        telling = labels[its] != labels[one]
        counts[int(labels[one])][0] += int((said[telling] == labels[one]).sum())
        counts[int(labels[one])][1] += int(telling.sum())
    all_hits, all_tried = np.sum(list(counts.values()), axis=0)
    mean = all_hits / max(all_tried, 1)
    rates = [
        (label, np.clip((hits + PRIOR * mean) / (tried + PRIOR), LEAST_RATE, 1 - LEAST_RATE))
        for label, (hits, tried) in counts.items()
    ]
    return np.array(rates, np.float32)
