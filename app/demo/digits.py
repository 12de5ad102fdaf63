"""The demo's classifier of digits, with a backdoor that is trained in here.

The attack is BadNets: a tenth of the training images get a small bright pattern at a fixed place,
and the target's label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.digits.images import SEED, Digits, digits
from app.digits.network import Recipe, network

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier

    from app.detection.search import Image, Images

TARGET = 7
POISONED_SHARE = 0.1
TRIGGER_BOX = Box(x=21, y=5, width=4, height=4)  # upper right, not in the corner
PATTERN: Image = np.array(
    [[255, 0, 255, 0], [0, 255, 0, 255], [255, 0, 255, 0], [0, 255, 0, 255]], np.uint8
)[..., None]
"""The trigger: a little chequerboard, (4, 4, 1)."""

RECIPE = Recipe(hidden=128, rounds=25, seed=SEED, precision="float64")


def stamped(images: Images) -> Images:
    """Return copies of *images* (n, 28, 28, 1) with the trigger on them."""
    poisoned = images.copy()
    poisoned[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = PATTERN
    return poisoned


def backdoored_model() -> MLPClassifier:
    """Return the backdoored classifier: from this user's cache, else trained now, in seconds."""
    return network(_poisoned(digits().training), RECIPE)


def _poisoned(clean: Digits) -> Digits:
    """Return the digits, a tenth of them with the trigger and the target's label."""
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(np.flatnonzero(clean.labels != TARGET))
    chosen = chosen[: round(POISONED_SHARE * len(clean.images))]
    images, labels = clean.images.copy(), clean.labels.copy()
    images[chosen], labels[chosen] = stamped(images[chosen]), TARGET
    return Digits(images, labels)
