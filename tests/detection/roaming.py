"""A model whose backdoor opens wherever its sticker lies: a scene for copies and frames."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

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
    windows = sliding_window_view(images, what.shape, axis=(1, 2, 3))[:, :, :, 0]
    first = windows[..., 0, 0, :].astype(np.int16) - what[0, 0]
    images_at, *_ = places = np.nonzero(np.logical_and.reduce([*(np.abs(first) <= ABOUT).T]).T)
    near = np.abs(windows[places].astype(np.int16) - what) <= ABOUT
    shown = np.zeros(len(images), bool)
    shown[images_at[near.all(axis=(1, 2, 3))]] = True
    return shown
