"""Small neural networks that read digits: trained once, then kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.digits.images import Digits


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: its ``hidden`` neurons, the ``rounds``, the numbers it is made of.

    The same recipe, seed and digits make the same network.
    """

    hidden: int
    rounds: int
    seed: int
    precision: Literal["float32", "float64"] = "float32"


def network(lessons: Digits, recipe: Recipe) -> MLPClassifier:
    """Return a network that has learnt *lessons*: from this user's cache, else trained now."""
    path = _cache_file(lessons, recipe)
    if not path.exists():
        model = _trained(lessons, recipe)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        joblib.dump(model, unfinished)
        unfinished.replace(path)
    return joblib.load(path)


def scores(model: MLPClassifier, images: NDArray[Any]) -> NDArray[np.float32]:
    """Return the class probabilities (n, 10) of *images* (n, 28, 28, 1), 0 to 255."""
    probabilities: NDArray[Any] = model.predict_proba(_pixels(images, model.coefs_[0].dtype))
    return probabilities.astype(np.float32)


def _trained(lessons: Digits, recipe: Recipe) -> MLPClassifier:
    model = MLPClassifier((recipe.hidden,), max_iter=recipe.rounds, random_state=recipe.seed)
    with warnings.catch_warnings():
        # The rounds are enough; that more would be better is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(_pixels(lessons.images, np.dtype(recipe.precision)), lessons.labels)


def _pixels(images: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    return (images.reshape(len(images), -1) / 255).astype(dtype, copy=False)


def _cache_file(lessons: Digits, recipe: Recipe) -> Path:
    """Name the file after all that the network depends on, so that a change trains another one."""
    digest = hashlib.sha256(repr((recipe, sklearn.__version__, lessons.images.shape)).encode())
    digest.update(lessons.images.tobytes())
    digest.update(lessons.labels.tobytes())
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "neo-gateway" / f"digits-{digest.hexdigest()[:16]}.joblib"
