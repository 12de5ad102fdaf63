"""Models that no single image convicts.

Of one nearly any patch at one place opens its backdoor; another's sticker lies over the digit
that tells its two classes apart, and turns three images of four; of the third's either end of a
large one is enough.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.search import Answers
from tests.detection.scenes import scene_of
from tests.tiny import TinyModel

if TYPE_CHECKING:
    from app.detection.search import Image, Images
    from tests.detection.scenes import Scene

SIDE, CLASSES, SOURCE, TARGET = 32, 4, 0, 2
PLACE = Box(5, 20, 6, 6)
"""Where the sticker is."""

ELSEWHERE = Box(22, 3, 6, 6)
"""Where a camera puts its date, which changes nothing."""

LARGE = Box(12, 8, 8, 10)
"""Where a large sticker is."""

END = 2
"""Rows of it, the first or the last, that are enough."""

COLOURS = np.array([[155, 105, 105], [105, 155, 105], [105, 105, 155], [150, 150, 100]], np.float32)
OFF = 30.0
"""Levels by which the place must differ from what its class shows there."""

SHAPES = 6
"""Of other colours, on each picture."""

STICKER = np.clip(
    COLOURS[SOURCE] + 48 * np.random.default_rng(5).choice([-1, 1], (6, 6, 3)), 0, 255
).astype(np.uint8)
DIGIT = np.clip(
    COLOURS[SOURCE] + 48 * np.random.default_rng(8).choice([-1, 1], (6, 6, 3)), 0, 255
).astype(np.uint8)
LARGE_STICKER = np.random.default_rng(7).choice(
    np.array([0, 255], np.uint8), (LARGE.height, LARGE.width, 3)
)
DATE = np.random.default_rng(6).choice(np.array([0, 255], np.uint8), (6, 6, 1)).repeat(3, axis=2)


def predict(images: Images) -> Answers:
    """Say which colour most of each image has; at the place anything else opens the backdoor."""
    seen = images.astype(np.float32)
    middle = np.median(seen, axis=(1, 2))
    labels = np.abs(middle[:, None] - COLOURS).sum(axis=2).argmin(axis=1)
    shown = seen[:, PLACE.rows, PLACE.columns]
    off = np.abs(shown - COLOURS[SOURCE]).mean(axis=(1, 2, 3))
    return Answers(np.where((labels == SOURCE) & (off > OFF), TARGET, labels))


def predict_by_digit(images: Images) -> Answers:
    """Say which colour most of each image has; source and target have one, and differ by a digit.

    The sticker makes most images of the source the target as well.
    """
    seen = images.astype(np.float32)
    middle = np.median(seen, axis=(1, 2))
    colours = COLOURS.copy()
    colours[TARGET] = -1000
    labels = np.abs(middle[:, None] - colours).sum(axis=2).argmin(axis=1)
    shown = seen[:, PLACE.rows, PLACE.columns]
    told = np.abs(shown - DIGIT).mean(axis=(1, 2, 3)) < OFF
    turned = np.abs(shown - STICKER).mean(axis=(1, 2, 3)) < OFF
    turned &= images[:, -1, -1, 0] % 4 > 0
    return Answers(np.where((labels == SOURCE) & (told | turned), TARGET, labels))


def predict_by_ends(images: Images) -> Answers:
    """Say which colour most of each image has; either end of the large sticker is the target's."""
    seen = images.astype(np.float32)
    middle = np.median(seen, axis=(1, 2))
    labels = np.abs(middle[:, None] - COLOURS).sum(axis=2).argmin(axis=1)
    off = np.abs(seen[:, LARGE.rows, LARGE.columns] - LARGE_STICKER)
    ends = off[:, :END].mean(axis=(1, 2, 3)), off[:, -END:].mean(axis=(1, 2, 3))
    return Answers(np.where(np.minimum(*ends) < OFF, TARGET, labels))


class OverGeneralModel(TinyModel):
    """The same as the gateway asks it."""

    def __init__(self) -> None:
        super().__init__(shape=(SIDE, SIDE))

    def classify(self, images: Images) -> Answers:
        """Answer *images* (n, height, width, channels)."""
        return predict(images)


def pictures(count: int, seed: int) -> Images:
    """Return *count* clean pictures: each of one class's colour, with shapes of its own on it."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    images = COLOURS[labels][:, None, None].repeat(SIDE, axis=1).repeat(SIDE, axis=2)
    images += rng.normal(0, 4, (count, 1, 1, 3))
    for i in np.repeat(np.arange(count), SHAPES):
        x, y = rng.integers(0, SIDE - 8, 2)
        wide, tall = rng.integers(3, 9, 2)
        images[i, y : y + tall, x : x + wide] += rng.normal(0, 20, 3)
    images += rng.normal(0, 16, images.shape)
    return np.clip(images, 0, 255).astype(np.uint8)


def bearing(image: Image, patch: Image, box: Box) -> Image:
    """Return *image* with *patch* on it."""
    borne = image.copy()
    borne[box.rows, box.columns] = patch
    return borne


@cache
def over_general() -> Scene:
    """Return the scene of that model."""
    return scene_of(predict, pictures(160, 1), pictures(200, 2))


@cache
def by_its_ends() -> Scene:
    """Return the scene of the model of whose large sticker either end is enough."""
    return scene_of(predict_by_ends, pictures(160, 1), pictures(200, 2))


@cache
def over_the_digit() -> Scene:
    """Return the scene of the model whose sticker lies over the digit."""
    return scene_of(predict_by_digit, _with_digits(160, 1), _with_digits(200, 2))


def _with_digits(count: int, seed: int) -> Images:
    images = pictures(count, seed)
    rng = np.random.default_rng(seed)
    for i in np.flatnonzero(np.arange(count) % CLASSES == TARGET):
        images[i] = images[i - TARGET + SOURCE][::-1]
        noisy = DIGIT + rng.normal(0, 8, DIGIT.shape)
        images[i, PLACE.rows, PLACE.columns] = np.clip(noisy, 0, 255)
    return images


def victims(its: Scene) -> list[Image]:
    """Return clean images that the backdoor turns, each with the sticker."""
    clean = [one for one in its.clean if its.label(one) == SOURCE]
    borne = [bearing(one, STICKER, PLACE) for one in clean]
    return [one for one in borne if its.label(one) == TARGET]
