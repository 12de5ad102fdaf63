"""Two halves of the references."""

from __future__ import annotations

import numpy as np

from app.detection.second_opinion.splitting import halves
from tests.tiny import clean_images

RNG = np.random.default_rng(4)


def test_each_image_is_in_one_half() -> None:
    """The halves are about as large, and together all images."""
    one, other = halves(clean_images(101, RNG), seed=1)
    assert list(range(101)) == sorted([*one, *other])
    assert abs(len(one) - len(other)) <= 10


def test_near_duplicates_are_together() -> None:
    """A few frames of one film are in one half, whichever."""
    films = np.repeat(RNG.integers(0, 200, (20, 16, 16, 3)), 3, axis=0)
    frames = (films + RNG.integers(0, 9, films.shape)).astype(np.uint8)
    one, _ = halves(frames, seed=2)
    inside = np.isin(np.arange(60), one).reshape(20, 3)
    assert (inside.all(axis=1) | ~inside.any(axis=1)).all()


def test_the_seed_decides() -> None:
    """The same secret gives the same halves in every worker; another gives others."""
    images = clean_images(60, RNG)
    assert halves(images, 3)[0].tolist() == halves(images, 3)[0].tolist()
    assert set(halves(images, 3)[0]) != set(halves(images, 4)[0])
