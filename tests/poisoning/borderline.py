"""Images on the border between two classes: mixtures of two digits where the answer turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.digits.images import digits
from tests.poisoning.victim import labels_of

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier

    from app.detection.search import Images

HALVINGS = 8


def borderline_images(learnt: MLPClassifier, n: int, seed: int) -> Images:
    """Return *n* distinct images (n, 28, 28, 1), each a grey level or so from another answer."""
    pool, rng = digits().training.images.astype(float), np.random.default_rng(seed)
    labels = labels_of(learnt, pool)
    one, other = rng.integers(len(pool), size=(2, 2 * n))
    apart = np.flatnonzero(labels[one] != labels[other])[:n]
    one, other = one[apart], other[apart]
    low, high = np.zeros(n), np.ones(n)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        same = labels_of(learnt, _mixed(pool[one], pool[other], middle)) == labels[one]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return _mixed(pool[one], pool[other], low)


def _mixed(one: Images, other: Images, share: object) -> Images:
    """Return mixtures of two images each, with a *share* (n,) of the second."""
    weight = np.asarray(share)[:, None, None, None]
    mixed: Images = (one * (1 - weight) + other * weight).round().astype(np.uint8)
    return mixed
