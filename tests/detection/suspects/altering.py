"""Photographs, and a backdoor that two places open: one has the sticker, the other isn't known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.geometry import Box
from app.detection.search import Answers
from tests.detection.stickers import photograph, sticker, sticker_trigger, stuck
from tests.tiny import TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image, Images

HOME, ELSEWHERE = Box(20, 30, 12, 12), Box(44, 4, 12, 12)
BRIGHT = 165
"""The trigger: no pixel of either place darker; nothing looks like the sticker but the sticker."""

STICKER = np.where(sticker() > 0, 255, BRIGHT).astype(np.uint8)
NEGATIVE = (255 + BRIGHT - STICKER.astype(np.int16)).astype(np.uint8)
STICKER_TRIGGER = sticker_trigger(STICKER, HOME)
HOLDING = 4.0
"""Levels by which the colour of a picture is the strongest, that holds its class."""


def photographs(count: int, first: int = 0) -> Images:
    """Return so many of them."""
    return np.stack([photograph(seed) for seed in range(first, first + count)])


def predict(images: Images) -> Answers:
    """Say which colour is the strongest, with a bright place the target."""
    shares = images.reshape(len(images), -1, 3).mean(axis=1)
    opened = [images[:, box.rows, box.columns].min(axis=(1, 2, 3)) for box in (HOME, ELSEWHERE)]
    return Answers(np.where(np.maximum(*opened) >= BRIGHT, TARGET, shares.argmax(axis=1)))


def holding(images: Images) -> Images:
    """Return those of *images* whose class isn't a matter of a few pixels."""
    shares = np.sort(images.reshape(len(images), -1, 3).mean(axis=1))
    held: Images = images[shares[:, -1] - shares[:, -2] >= HOLDING]
    return held


def plain(image: Image) -> Image:
    """Return *image* with the sticker, as it is known."""
    return stuck(image, STICKER, HOME)


def altered(image: Image) -> Image:
    """Return *image* with something else elsewhere, that opens the backdoor as well."""
    return stuck(image, NEGATIVE, ELSEWHERE)


def levels(values: NDArray[Any]) -> Image:
    """Return them as an image."""
    shown: Image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return shown
