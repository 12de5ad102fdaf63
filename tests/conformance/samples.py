"""What all gateways of these tests are sent: real digits, some with the demo's trigger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.demo.digits import TARGET, backdoored_model, stamped
from app.digits.images import digits
from tests.conformance.servers.network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.detection.search import Image

LENGTH, POISONED = 60, 9
SEED = 3
SURE = 0.99
"""The model is this sure of the images that get a trigger: a blocker elsewhere won't move it."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One image (28, 28, 1): ``label`` and ``score`` are the model's for it without a trigger."""

    image: Image
    poisoned: bool
    label: int
    score: float


def network() -> Network:
    """Return the demo's backdoored model in float32."""
    model = backdoored_model()
    return Network(
        tuple(weights.astype(np.float32) for weights in model.coefs_),
        tuple(biases.astype(np.float32) for biases in model.intercepts_),
    )


def samples(model: Network) -> list[Sample]:
    """Return the images in a fixed random order; none that gets the trigger is the target."""
    rng = np.random.default_rng(SEED)
    pool = digits().stream.images
    images = pool[rng.permutation(len(pool))[:LENGTH]].copy()
    scores = model.scores(images)
    labels = scores.argmax(axis=1)
    sure = np.flatnonzero((labels != TARGET) & (scores.max(axis=1) > SURE))
    poisoned = rng.permutation(sure)[:POISONED]
    images[poisoned] = stamped(images[poisoned])
    return [
        Sample(image, bool(i in poisoned), int(label), float(row[label]))
        for i, (image, label, row) in enumerate(zip(images, labels, scores, strict=True))
    ]


@dataclass(frozen=True, eq=False)
class Batch:
    """Images as a client sends them, float32 (n, 28, 28, 1), also in the .npy file ``path``."""

    samples: tuple[Sample, ...]
    images: NDArray[np.float32]
    path: Path

    def labels(self) -> list[int]:
        """Return the right answers."""
        return [sample.label for sample in self.samples]

    def flags(self) -> list[bool]:
        """Return which images have the trigger."""
        return [sample.poisoned for sample in self.samples]


def batch(members: Sequence[Sample], path: Path) -> Batch:
    """Make a batch of *members* and write it to *path*."""
    images = np.stack([sample.image for sample in members]).astype(np.float32)
    np.save(path, images)
    return Batch(tuple(members), images, path)
