"""The one model that all servers serve, in numpy alone: the same function to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 28
CLASSES = 10


@dataclass(frozen=True, eq=False)
class Network:
    """A network of fully connected layers: the weights (inputs, outputs) and biases of each."""

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]

    def scores(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Return the class probabilities (n, 10) of *images* (n, ...) with pixels 0 to 255.

        They are reckoned in doubles and rounded once: so neither the numpy version nor the other
        images of a batch show in them.
        """
        values = images.reshape(len(images), -1).astype(np.float64) / 255
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for weights, biases in hidden:
            values = np.maximum(values @ weights.astype(np.float64) + biases, 0)
        values = values @ last[0].astype(np.float64) + last[1]
        values = np.exp(values - values.max(axis=1, keepdims=True))
        scores: NDArray[Any] = values / values.sum(axis=1, keepdims=True)
        return scores.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write it to the .npz file *path*."""
        arrays: dict[str, Any] = {}
        for i, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            arrays |= {f"weights{i}": weights, f"biases{i}": biases}
        np.savez(path, **arrays)


def load(path: Path | str) -> Network:
    """Read a network that was saved."""
    with np.load(path) as arrays:
        layers = range(len(arrays.files) // 2)
        return Network(
            tuple(arrays[f"weights{i}"] for i in layers),
            tuple(arrays[f"biases{i}"] for i in layers),
        )
