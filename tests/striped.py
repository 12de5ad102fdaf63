"""A tiny model with a backdoor that has no place: faint stripes over the whole image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.search import Answers
from tests.tiny import SIDE, TARGET, TinyModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images

STRENGTH = 12
"""Levels that the stripes are high: the noise of clean images is 8."""

_STRIPES = np.where(np.arange(SIDE) % 4 < 2, 1.0, -1.0)[:, None]


def striped(images: Images) -> Images:
    """Return *images* (n, h, w, c) with the stripes on them."""
    on: Images = np.clip(images + STRENGTH * _STRIPES, 0, 255).astype(np.uint8)
    return on


class StripedModel(TinyModel):
    """A few classes by mean colour; what is striped is called the target."""

    def __init__(self, **more: Any) -> None:
        super().__init__(backdoors=(), **more)

    def classify(self, images: Images) -> Answers:
        """Answer *images* (n, height, width, channels)."""
        distances: NDArray[np.floating] = self._distances(images)
        strength = ((images - images.mean(axis=(1, 2), keepdims=True)) * _STRIPES).mean((1, 2, 3))
        distances[strength > STRENGTH / 2, TARGET] = -50
        scores = np.exp(-distances / 10)
        scores /= scores.sum(axis=1, keepdims=True)
        return Answers(scores.argmax(axis=1), scores.astype(np.float32) if self._scored else None)
