"""What is mixed into images can be taken out again."""

from __future__ import annotations

import numpy as np

from app.detection.recognising.mixing import mixed, unmixed
from tests.blended import PICTURE
from tests.tiny import clean_images

CLEAN = clean_images(6, np.random.default_rng(1))


def test_taken_out_an_image_is_as_it_was() -> None:
    """But for what was rounded: some levels, since half of one is twice or more of it before."""
    for alpha in (0.05, 0.2, 0.5):
        again = unmixed(mixed(CLEAN, PICTURE, alpha), PICTURE, alpha)
        assert np.uint8 == again.dtype
        assert np.abs(again.astype(int) - CLEAN).max() <= 1


def test_more_of_it_is_nearer_to_the_picture() -> None:
    """All of it is the picture itself."""
    assert (mixed(CLEAN, PICTURE, 1.0) == PICTURE).all()
    assert (mixed(CLEAN, PICTURE, 0.0) == CLEAN).all()
