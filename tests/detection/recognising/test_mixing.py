"""What is mixed into images can be taken out again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.detection.geometry import Box
from app.detection.recognising.mixing import mixed, stamped_in, taken_out, unmixed
from tests.blended import PICTURE
from tests.detection.blended.worlds import blended_trigger
from tests.tiny import clean_images

CLEAN = clean_images(6, np.random.default_rng(1))


def test_taken_out_an_image_is_as_it_was() -> None:
    """But for what was rounded: some levels, since half of one is twice or more of it before."""
    for alpha in (0.05, 0.2, 0.5):
        again = unmixed(mixed(CLEAN, PICTURE, alpha), PICTURE, alpha)
        assert np.uint8 == again.dtype
        assert np.abs(again.astype(int) - CLEAN).max() <= 1


def test_a_trigger_at_a_place_changes_nothing_beside_it() -> None:
    """It is mixed into its box and taken out of it; all of the image where that is its box."""
    box = Box(3, 5, 6, 4)
    patch = PICTURE[box.rows, box.columns]
    for trigger in (blended_trigger(), replace(blended_trigger(), box=box, patch=patch)):
        stuck = stamped_in(CLEAN, trigger)
        changed = (stuck != CLEAN).any(axis=(0, 3))
        assert trigger.box.area * 0.9 < changed.sum() <= trigger.box.area
        assert changed[trigger.box.rows, trigger.box.columns].sum() == changed.sum()
        assert np.abs(taken_out(stuck, trigger).astype(int) - CLEAN).max() <= 1


def test_more_of_it_is_nearer_to_the_picture() -> None:
    """All of it is the picture itself."""
    assert (mixed(CLEAN, PICTURE, 1.0) == PICTURE).all()
    assert (mixed(CLEAN, PICTURE, 0.0) == CLEAN).all()
