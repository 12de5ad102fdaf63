"""Which two images are one picture again, or the next of a video."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.suspect import sketched, suspect_in
from app.detection.suspects.resemblance import is_again
from tests.detection.suspects.worlds import PLACE, SIDE, SOURCE, TARGET, over_general

if TYPE_CHECKING:
    from app.detection.search import Image

BLOCK = 4
"""Pixels of a side of what such a picture shows."""


def _scene(seed: int, levels: float) -> Image:
    """Return a picture of blocks, so many levels brighter or darker than the dark around them."""
    shown = np.random.default_rng(seed).choice([-1, 1], (SIDE // BLOCK, SIDE // BLOCK, 1))
    blocks = np.kron(shown, np.ones((BLOCK, BLOCK, 3)))
    return np.clip(40 + levels * blocks, 0, 255).astype(np.uint8)


def _frame(image: Image) -> Image:
    """Return the next of a video: in another light and a pixel off."""
    return np.clip(np.roll(image, 1, axis=1).astype(np.int16) + 9, 0, 255).astype(np.uint8)


def _is_again(image: Image, before: Image) -> bool:
    suspect = suspect_in(before, TARGET, PLACE, source=SOURCE)
    return is_again(sketched(image), suspect, over_general().references)


def test_two_pictures_in_the_dark_are_not_one() -> None:
    """Though they are fewer levels apart than bright ones of the class that are nearly the same."""
    for seed in range(8):
        before = _scene(seed, 9)
        assert not _is_again(_scene(seed + 100, 9), before)
        assert _is_again(_frame(before), before)


def test_what_shows_nothing_is_one_picture() -> None:
    """A lens that is covered gives noise, which differs from picture to picture."""
    rng = np.random.default_rng(3)
    black = np.full((SIDE, SIDE, 3), 12.0)
    first, second = (np.rint(black + rng.normal(0, 4, black.shape)).astype(np.uint8) for _ in "ab")
    assert _is_again(second, first)
