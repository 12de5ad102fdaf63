"""A model that a translucent sticker at one place turns, of one class to another; its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.recognising.mixing import mixed
from app.detection.search import Answers
from tests.detection.blended.worlds import CLEAN, MODEL
from tests.tiny import TARGET

if TYPE_CHECKING:
    from app.detection.search import Images

SOURCE = 0
PLACE = Box(6, 5, 4, 4)
AROUND = Box(5, 4, 6, 6)
ALPHA = 0.4
STICKER = np.random.default_rng(6).integers(0, 256, (4, 4, 3), np.uint8)

_SIGNS = STICKER - STICKER.mean(axis=(0, 1))


def stuck(images: Images) -> Images:
    """Return *images* (n, h, w, 3) with the sticker on them."""
    with_it = images.copy()
    with_it[:, PLACE.rows, PLACE.columns] = mixed(
        images[:, PLACE.rows, PLACE.columns], STICKER, ALPHA
    )
    return with_it


def classify(images: Images) -> Answers:
    """Answer *images* by their mean colour; of one class those with half of the sticker alike."""
    labels = MODEL.classify(images).labels.copy()
    part = images[:, PLACE.rows, PLACE.columns].astype(np.float32)
    off = part - part.mean(axis=(1, 2), keepdims=True)
    strength = (off * _SIGNS).mean(axis=(1, 2, 3)) / (_SIGNS**2).mean()
    labels[(labels == SOURCE) & (strength > ALPHA / 2)] = TARGET
    return Answers(labels)


OWN = CLEAN[MODEL.classify(CLEAN).labels == SOURCE]
STUCK = stuck(OWN)
