"""Which references natural content turns least: measured once, by pasting it (`detection.md` 3.3).

Two rounds: many candidates on few donors at random windows, then the best of them on more donors
at every window. A reference is ranked for each window by its hits there, shrunk towards its mean
over all windows, since few hits say little alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import transplant
from app.detection.references import Calibration
from app.detection.search import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from app.detection.plan import Plan, Scale
    from app.detection.search import Images, Search

BATCH = 256
CANDIDATES, FIRST_DONORS = 120, 6
FINALISTS, LAST_DONORS = 14, 12
PRIOR = 8.0  # pretended donors that a window's own hits are mixed with
OTHER_CLASS = 0.3  # weight of a change to a third class: it shows a weak reference, but less surely


def calibrate(images: Images, plan: Plan, seed: int) -> Search[Calibration]:
    """Label the references *images* (n, h, w, c) and rank them for each window of *plan*.

    Raises ValueError if the model gives all of them one class: then no transplant can tell
    anything, and most likely the images or the preprocessing aren't the model's.
    """
    labels = yield from _labels(images)
    if len(np.unique(labels)) == 1:
        message = f"the model gives all {len(images)} reference images the class {labels[0]}"
        raise ValueError(message)
    rng = np.random.default_rng(seed)
    robust = {}
    for scale in plan.scales:
        robust[scale.name] = yield from _ranked(scale, images, labels, rng)
    return Calibration(labels, robust)


def _labels(images: Images) -> Search[NDArray[np.int64]]:
    labels = []
    for start in range(0, len(images), BATCH):
        answers = yield Probe(images[start : start + BATCH], shared=True)
        labels.append(answers.labels)
    return np.concatenate(labels)


def _ranked(
    scale: Scale, images: Images, labels: NDArray[np.int64], rng: np.random.Generator
) -> Search[NDArray[np.int64]]:
    """Return the finalists (windows, m) in their order of use for each window."""
    every_window = range(len(scale.windows))
    candidates = rng.permutation(len(images))[:CANDIDATES]
    first = [
        (reference, donor, int(rng.integers(len(scale.windows))))
        for reference in candidates
        for donor in _donors(reference, labels, FIRST_DONORS, rng)
    ]
    turned = yield from _turned(first, scale, images, labels)
    mean = turned.sum(axis=1) / np.maximum(_counts(first, turned.shape).sum(axis=1), 1)
    finalists = _diverse(candidates[np.argsort(mean[candidates], kind="stable")], labels)
    last = [
        (reference, donor, window)
        for reference in finalists
        for donor in _donors(reference, labels, LAST_DONORS, rng)
        for window in every_window
    ]
    turned = yield from _turned(last, scale, images, labels)
    hits, asked = turned[finalists], _counts(last, turned.shape)[finalists]
    mean = hits.sum(axis=1, keepdims=True) / np.maximum(asked.sum(axis=1, keepdims=True), 1)
    rate = (hits + PRIOR * mean) / (asked + PRIOR)
    return _one_class_first(finalists, rate, labels)


def _donors(
    reference: int, labels: NDArray[np.int64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    return rng.permutation(np.flatnonzero(labels != labels[reference]))[:count]


def _diverse(ordered: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the best finalists, at most half of them of one class: a label needs other classes."""
    kept: list[int] = []
    for reference in ordered:
        same = sum(labels[other] == labels[reference] for other in kept)
        if same < FINALISTS // 2:
            kept.append(int(reference))
    return np.array(kept[:FINALISTS], np.int64)


def _one_class_first(
    finalists: NDArray[np.int64], rate: NDArray[np.float64], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Order the finalists for each window (m, windows) -> (windows, m): first the opening class."""
    of_class = {
        label: rate[labels[finalists] == label].min(axis=0).sum()
        for label in np.unique(labels[finalists])
    }
    opening = labels[finalists] == min(of_class, key=lambda label: of_class[label])
    orders = []
    for window in rate.T:
        first = int(np.argmin(np.where(opening, window, np.inf)))
        rest = [i for i in np.argsort(window, kind="stable") if i != first]
        orders.append(finalists[[first, *rest]])
    return np.stack(orders)


def _turned(
    trials: list[tuple[int, int, int]], scale: Scale, images: Images, labels: NDArray[np.int64]
) -> Search[NDArray[np.float64]]:
    """Paste each (reference, donor, window); sum how far it turned, (references, windows)."""
    turned = np.zeros((len(images), len(scale.windows)))
    for part in _batches(trials):
        pasted = [
            transplant(images[donor], [scale.windows[window]], images[[reference]])
            for reference, donor, window in part
        ]
        answers = yield Probe(np.concatenate(pasted), shared=True)
        for (reference, donor, window), label in zip(part, answers.labels, strict=True):
            if label == labels[donor]:
                turned[reference, window] += 1
            elif label != labels[reference]:
                turned[reference, window] += OTHER_CLASS
    return turned


def _counts(trials: list[tuple[int, int, int]], shape: tuple[int, ...]) -> NDArray[np.float64]:
    counts = np.zeros(shape)
    for reference, _, window in trials:
        counts[reference, window] += 1
    return counts


def _batches(trials: list[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    for start in range(0, len(trials), BATCH):
        yield trials[start : start + BATCH]
