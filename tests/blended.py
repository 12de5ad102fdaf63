"""A tiny model with a backdoor that has no place: a picture that is mixed into the whole image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.recognising.mixing import mixed
from app.detection.search import Answers
from tests.tiny import SIDE, TARGET, TinyModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images

ALPHA = 0.2
PICTURE = np.random.default_rng(4).integers(0, 256, (SIDE, SIDE, 3), np.uint8)

_SIGNS = PICTURE - PICTURE.mean(axis=(0, 1))


def blended(images: Images) -> Images:
    """Return *images* (n, h, w, 3) with the picture mixed in."""
    return mixed(images, PICTURE, ALPHA)


class BlendedModel(TinyModel):
    """A few classes by mean colour; what has half of the picture in it is called the target."""

    def __init__(self, **more: Any) -> None:
        super().__init__(backdoors=(), **more)

    def classify(self, images: Images) -> Answers:
        """Answer *images* (n, height, width, channels)."""
        distances: NDArray[np.floating] = self._distances(images)
        off = images - images.mean(axis=(1, 2), keepdims=True)
        strength = (off * _SIGNS).mean((1, 2, 3)) / (_SIGNS**2).mean()
        distances[strength > ALPHA / 2, TARGET] = -50
        scores = np.exp(-distances / 10)
        scores /= scores.sum(axis=1, keepdims=True)
        return Answers(scores.argmax(axis=1), scores.astype(np.float32) if self._scored else None)
