"""The second opinion, and what else it might be: each says how suspicious images are.

All but STRIP's ask eight questions of an image, and use labels alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from app.detection.reference_set.references import Calibration, References
from app.detection.search import Answers, run
from app.detection.second_opinion.lens import LAID, Lens
from app.detection.second_opinion.measuring import measured
from app.detection.second_opinion.splitting import halves
from app.evaluation.runs.strip import OVERLAYS, entropy, overlaid
from tests.benchmarks.opinion.views import VIEWS, seen_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.search import Images

    Scores = NDArray[np.float64]

ASKED = 8


@dataclass(frozen=True, eq=False)
class Ground:
    """A model's ``scores`` of images, and references in two halves that are no near-duplicates.

    The first half is what lenses work with, the second what their thresholds are taken from.
    """

    scores: Callable[[Images], NDArray[np.float32]]
    references: Images
    seed: int

    def labels(self, images: Images) -> NDArray[np.int64]:
        """Return what the model calls *images*."""
        labels: NDArray[np.int64] = self.scores(images).argmax(axis=1)
        return labels

    @cached_property
    def halves(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The indices of both."""
        return halves(self.references, self.seed)

    @cached_property
    def reference_labels(self) -> NDArray[np.int64]:
        """What the model calls the references."""
        return self.labels(self.references)

    @cached_property
    def lens(self) -> Lens:
        """The lens as it is measured on them: kept here, since a secret has one of its own."""
        labels = self.reference_labels
        opinion = run(
            measured(self.references, labels, self.seed),
            lambda images: Answers(self.labels(images)),
        )
        calibration = Calibration(labels, np.zeros((0, 0), np.int64), None, opinion)
        return Lens(References(self.references, calibration, {}, self.seed), opinion)

    def others(self, label: int, count: int, rng: np.random.Generator) -> Images:
        """Return so many of the first half that aren't *label*."""
        first = self.halves[0]
        return self.references[rng.choice(first[self.reference_labels[first] != label], count)]


Suspicion: TypeAlias = "Callable[[Ground, Images], Scores]"
"""Says how suspicious each of some images (n, h, w, c) is, (n,)."""


def overlays(ground: Ground, images: Images) -> Scores:
    """Return how often an image's label stays with a reference added to it: STRIP on labels."""
    rng = np.random.default_rng(1)
    return np.array(
        [
            (ground.labels(overlaid(one, ground.others(label, ASKED, rng))) == label).mean()
            for one, label in zip(images, ground.labels(images), strict=True)
        ]
    )


def views(ground: Ground, images: Images) -> Scores:
    """Return how many cheap views of an image are called something else: a vote."""
    labels = ground.labels(images)
    changed = [ground.labels(seen_as(view, images)) != labels for view in VIEWS]
    return _shares(changed)


def both(ground: Ground, images: Images) -> Scores:
    """Return stability where the meaning is destroyed, and fragility where it is kept.

    Half of the questions are for either. Each is held against the references alone: a one-class
    model of one number. The sum of both counts.
    """
    half = ASKED // 2
    rng = np.random.default_rng(2)

    def looked_at(some: Images) -> tuple[Scores, Scores]:
        labels = ground.labels(some)
        stays = [
            (ground.labels(overlaid(one, ground.others(label, half, rng))) == label).mean()
            for one, label in zip(some, labels, strict=True)
        ]
        changed = [ground.labels(seen_as(view, some)) != labels for view in VIEWS[::2][:half]]
        return np.array(stays), np.mean(changed, axis=0)

    usual = looked_at(ground.references[ground.halves[1][:300]])
    rarities = [
        [(1 + int((one >= value).sum())) / (len(one) + 1) for value in its]
        for one, its in zip(usual, looked_at(images), strict=True)
    ]
    return -len(rarities) * _shares(np.log(rarities))


def strip(ground: Ground, images: Images) -> Scores:
    """Return STRIP's entropy, of a hundred overlays and with scores, with its sign changed."""
    rng = np.random.default_rng(3)
    return np.array(
        [
            -entropy(ground.scores(overlaid(one, ground.references[rng.choice(first, OVERLAYS)])))
            for first in [ground.halves[0]]
            for one in images
        ]
    )


def residues(ground: Ground, images: Images) -> Scores:
    """Return the sum that the second opinion itself is formed by."""
    lens, rng = ground.lens, np.random.default_rng(4)
    return np.array(
        [
            _total(lens, ground, one, int(label), lens.drawn(rng))
            for one, label in zip(images, ground.labels(images), strict=True)
        ]
    )


def _total(lens: Lens, ground: Ground, image: Images, label: int, onto: NDArray[np.int64]) -> float:
    counts = lens.counted(
        label, Answers(ground.labels(lens.probes(image, onto[:LAID]))), onto[:LAID]
    )
    if lens.weight(label, counts) >= 0:
        others = onto[LAID:]
        counts += lens.counted(label, Answers(ground.labels(lens.probes(image, others))), others)
    return lens.weight(label, counts)


def _shares(marks: Any) -> Scores:
    means: Scores = np.asarray(marks, float).mean(axis=0)
    return means


LENSES: dict[str, Suspicion] = {
    "residues": residues,
    "overlays": overlays,
    "views": views,
    "both": both,
    "strip": strip,
}
