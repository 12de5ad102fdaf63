"""Which references natural content turns least: measured once (`docs/detection.md` 3.3).

Two rounds: many candidates on few donors at random bands, then the best of them, without the
stubborn ones, on more donors at every band. A reference is ranked for each band by its hits
there, shrunk towards its mean over all bands, since few hits say little alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.images import transplant
from app.detection.reference_set.canaries import canaries
from app.detection.reference_set.references import FEWEST, LEADING, Calibration
from app.detection.search import probe_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.plan import Plan
    from app.detection.search import Images, Search

MOST_TOGETHER, BYTES_TOGETHER = 256, 16 * 1024 * 1024  # images of one probe
CANDIDATES, FIRST_DONORS = 200, 6
FINALISTS, LAST_DONORS = 14, 18
STUBBORN = 6  # that are left out before the last round
STUBBORN_WEIGHT = 0.2  # of what is left of it, against the rate at which nature turns them
MIDDLE = 0.6  # of the image's side, pasted to see who they are
PRIOR = 8.0  # pretended donors that a band's own hits are mixed with
OTHER_CLASS = 0.3  # weight of a change to a third class: it shows a weak reference, but less surely


class OneClassError(ValueError):
    """The model gives all references one class, or all but a few."""


def calibrate(images: Images, plan: Plan, seed: int) -> Search[Calibration]:
    """Label the references *images* (n, h, w, c) and rank them for each band of *plan*.

    Raises OneClassError if the model gives nearly all of them one class: then no transplant can
    tell anything, and most likely the images or the preprocessing aren't the model's.
    """
    labels, canary_scores = yield from _labelled(images)
    _are_of_several(labels)
    rng = np.random.default_rng(seed)
    robust = np.zeros((0, 0), np.int64)
    if plan.bands:
        robust = yield from _ranked(plan, images, labels, rng)
    return Calibration(labels, robust, canary_scores)


def _are_of_several(labels: NDArray[np.int64]) -> None:
    """Raise OneClassError unless enough references are of another class than most of them."""
    classes, counts = np.unique(labels, return_counts=True)
    most, others = classes[counts.argmax()], len(labels) - counts.max()
    if len(classes) == 1:
        message = f"the model gives all {len(labels)} reference images the class {most}"
        raise OneClassError(message)
    if others < FEWEST:
        message = (
            f"the model gives all but {others} of {len(labels)} reference images the class {most}"
            f" ({FEWEST} of others are needed)"
        )
        raise OneClassError(message)


def _labelled(images: Images) -> Search[tuple[NDArray[np.int64], NDArray[np.float32] | None]]:
    """Return the label of each reference, and the scores of the canaries among them."""
    labels, scores = [], []
    watched = np.isin(np.arange(len(images)), canaries(len(images)))
    together = _together(images)
    for start in range(0, len(images), together):
        answers = yield probe_for_all(images[start : start + together])
        labels.append(answers.labels)
        if answers.scores is not None:
            scores.append(answers.scores[watched[start : start + together]])
    return np.concatenate(labels), np.concatenate(scores) if scores else None


def _ranked(
    plan: Plan,
    images: Images,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> Search[NDArray[np.int64]]:
    """Return the finalists (bands, m) in their order of use for each band."""
    bands = plan.bands
    candidates = rng.permutation(len(images))[:CANDIDATES]
    first = [
        (reference, donor, int(rng.integers(len(bands))))
        for reference in candidates
        for donor in _donors(reference, labels, FIRST_DONORS, rng)
    ]
    turned = yield from _turned(first, bands, images, labels)
    mean = turned.sum(axis=1) / np.maximum(_counts(first, turned.shape).sum(axis=1), 1)
    finalists = _diverse(candidates[np.argsort(mean[candidates], kind="stable")], labels)
    stubborn = yield from _stubbornness(finalists, images, labels, rng)
    if len(finalists) > FINALISTS:
        kept = np.sort(np.argsort(stubborn, kind="stable")[:FINALISTS])
        finalists, stubborn = finalists[kept], stubborn[kept]
    last = [
        (reference, donor, band)
        for reference in finalists
        for donor in _donors(reference, labels, LAST_DONORS, rng)
        for band in range(len(bands))
    ]
    turned = yield from _turned(last, bands, images, labels)
    hits, asked = turned[finalists], _counts(last, turned.shape)[finalists]
    mean = hits.sum(axis=1, keepdims=True) / np.maximum(asked.sum(axis=1, keepdims=True), 1)
    rate = (hits + PRIOR * mean) / (asked + PRIOR) + STUBBORN_WEIGHT * stubborn[:, None]
    return _one_class_first(finalists, rate, labels, len(plan.rows))


def _donors(
    reference: int, labels: NDArray[np.int64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    return rng.permutation(np.flatnonzero(labels != labels[reference]))[:count]


def _diverse(ordered: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the best finalists, at most half of them of one class: a label needs other classes."""
    kept: list[int] = []
    for reference in ordered:
        same = sum(labels[other] == labels[reference] for other in kept)
        if same < (FINALISTS + STUBBORN) // 2:
            kept.append(int(reference))
    return np.array(kept[: FINALISTS + STUBBORN], np.int64)


def _stubbornness(
    finalists: NDArray[np.int64],
    images: Images,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> Search[NDArray[np.float64]]:
    """How often each finalist (m,) holds out even where its middle is another image's.

    What nothing turns a trigger may not turn either, and as an opening's reference it would hide
    the trigger from every screen of the deployment.
    """
    middle = _middle(images.shape[2], images.shape[1])
    trials = [
        (i, donor)
        for i, reference in enumerate(finalists)
        for donor in _donors(reference, labels, LAST_DONORS, rng)
    ]
    held = np.zeros(len(finalists))
    together = _together(images)
    for start in range(0, len(trials), together):
        part = trials[start : start + together]
        pasted = [transplant(images[donor], [middle], images[[finalists[i]]]) for i, donor in part]
        answers = yield probe_for_all(np.concatenate(pasted))
        for (i, donor), label in zip(part, answers.labels, strict=True):
            held[i] += label != labels[donor]
    return held / np.bincount([i for i, _ in trials], minlength=len(finalists))


def _middle(width: int, height: int) -> Box:
    inner_width, inner_height = round(MIDDLE * width), round(MIDDLE * height)
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    return Box(left, top, inner_width, inner_height)


def _one_class_first(
    finalists: NDArray[np.int64],
    rate: NDArray[np.float64],
    labels: NDArray[np.int64],
    rows: int,
) -> NDArray[np.int64]:
    """Order the finalists for each band (m, bands) -> (bands, m): first those of one class.

    Of another class for the columns than for the *rows*: an image of either class has the bands of
    the other kind asked at once, and most are cleared by these.
    """
    classes = sorted({int(label) for label in labels[finalists]})
    opening = _best_class(classes, finalists, rate[:, :rows], labels)
    others = [label for label in classes if label != opening] or classes
    crossing = _best_class(others, finalists, rate[:, rows:], labels)
    orders = []
    for i, band in enumerate(rate.T):
        order = np.argsort(band, kind="stable")
        first = labels[order_of := finalists[order]] == (opening if i < rows else crossing)
        leading = order[first][:LEADING]
        orders.append(np.concatenate([finalists[leading], order_of[~np.isin(order, leading)]]))
    return np.stack(orders)


def _best_class(
    classes: Sequence[int],
    finalists: NDArray[np.int64],
    rate: NDArray[np.float64],
    labels: NDArray[np.int64],
) -> int:
    """Return which of *classes* has the best reference for each band (m, bands), all in all."""
    return min(classes, key=lambda one: rate[labels[finalists] == one].min(axis=0).sum())


def _turned(
    trials: list[tuple[int, int, int]],
    bands: Sequence[Box],
    images: Images,
    labels: NDArray[np.int64],
) -> Search[NDArray[np.float64]]:
    """Paste each (reference, donor, band); sum how far it turned, (references, bands)."""
    turned = np.zeros((len(images), len(bands)))
    for part in _batches(trials, _together(images)):
        pasted = [
            transplant(images[donor], [bands[band]], images[[reference]])
            for reference, donor, band in part
        ]
        answers = yield probe_for_all(np.concatenate(pasted))
        for (reference, donor, band), label in zip(part, answers.labels, strict=True):
            if label == labels[donor]:
                turned[reference, band] += 1
            elif label != labels[reference]:
                turned[reference, band] += OTHER_CLASS
    return turned


def _counts(trials: list[tuple[int, int, int]], shape: tuple[int, ...]) -> NDArray[np.float64]:
    counts = np.zeros(shape)
    for reference, _, band in trials:
        counts[reference, band] += 1
    return counts


def _together(images: Images) -> int:
    """Return how many images one probe has at most."""
    return int(min(MOST_TOGETHER, max(BYTES_TOGETHER // images[0].nbytes, 1)))


def _batches(
    trials: list[tuple[int, int, int]], together: int
) -> Iterator[list[tuple[int, int, int]]]:
    for start in range(0, len(trials), together):
        yield trials[start : start + together]
