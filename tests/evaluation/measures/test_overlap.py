"""How much of a true trigger a found one covers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.detection.geometry import Box
from app.evaluation.measures.overlap import box_of, overlap
from tests.evaluation.recorded import a_stamp, a_trigger


def test_the_same_pixels_overlap_wholly() -> None:
    """A found box that is the true one has the overlap 1."""
    assert 1.0 == overlap(a_stamp(), a_trigger(Box(2, 3, 2, 2)))


def test_a_larger_box_overlaps_by_its_share() -> None:
    """4 true pixels in a found box of 12 overlap by a third."""
    assert 4 / 12 == overlap(a_stamp(), a_trigger(Box(1, 3, 3, 4)))


def test_a_mask_counts_instead_of_its_box() -> None:
    """Only the masked pixels are the found trigger's own."""
    mask = np.zeros((4, 3), bool)
    mask[:2, 1:] = True
    assert 1.0 == overlap(a_stamp(), a_trigger(Box(1, 3, 3, 4), mask))


def test_transparent_pixels_are_no_part_of_a_stamp() -> None:
    """Without its transparent first column the stamp is narrower, and overlaps the box by less."""
    stamp = a_stamp()
    rgba = stamp.rgba.copy()
    rgba[:, 0, 3] = 0
    narrow = replace(stamp, rgba=rgba)
    assert (Box(3, 3, 1, 2), 0.5) == (
        box_of(narrow),
        overlap(narrow, a_trigger(Box(2, 3, 2, 2))),
    )


def test_apart_they_have_nothing_in_common() -> None:
    """A trigger found in another corner has the overlap 0."""
    assert 0.0 == overlap(a_stamp(), a_trigger(Box(6, 6, 2, 2)))
