"""A model whose backdoor opens wherever its sticker lies: a scene for copies and frames."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Answers
from tests.detection.scenes import Scene, scene_of
from tests.tiny import TARGET, TinyModel, clean_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Image, Images

SIDE = 32
STICKER = np.array(
    [
        [[255, 0, 255], [0, 255, 255], [255, 255, 255]],
        [[255, 255, 0], [255, 255, 255], [0, 0, 0]],
        [[0, 255, 255], [255, 0, 255], [255, 0, 0]],
    ],
    np.uint8,
)
"""Its pixels; mirrored it is another one."""

ABOUT = 60
"""Levels by which a pixel of it may differ."""


@cache
def roaming(*, mirrored: bool = False) -> Scene:
    """Return the scene of that model, calibrated; if *mirrored* it opens to mirror images too."""
    shapes = [STICKER, STICKER[:, ::-1]] if mirrored else [STICKER]
    by_nature = TinyModel(backdoors=()).classify

    def classify(images: Images) -> Answers:
        scores = by_nature(images).scores
        assert scores is not None
        opened = np.any([_shows(images, what) for what in shapes], axis=0)
        scores[opened] = 0.01
        scores[opened, TARGET] = 0.97
        return Answers(scores.argmax(axis=1), scores)

    rng = np.random.default_rng(9)
    references, clean = (clean_images(n, rng, shape=(SIDE, SIDE)) for n in (80, 30))
    return scene_of(classify, references, clean)


def with_stickers(image: Image, *boxes: Box, mirrored: bool = False) -> Image:
    """Return *image* with the sticker in each of *boxes*, all but the first *mirrored* or not."""
    shown = image.copy()
    for i, box in enumerate(boxes):
        shown[box.rows, box.columns] = STICKER[:, ::-1] if mirrored and i else STICKER
    return shown


def _shows(images: Images, what: Image) -> NDArray[np.bool_]:
    """Say which of *images* (n, h, w, c) show *what* (h, w, c) somewhere."""
    height, width, _ = what.shape
    shape = len(images), images.shape[1] - height + 1, images.shape[2] - width + 1
    near: NDArray[np.bool_] = np.ones(shape, bool)
    for y in range(height):
        for x in range(width):
            pixels = images[:, y : y + shape[1], x : x + shape[2]].astype(np.int16)
            near &= np.abs(pixels - what[y, x]).max(axis=3) <= ABOUT
    somewhere: NDArray[np.bool_] = near.reshape(len(images), -1).max(axis=1)
    return somewhere
