"""Of which triggers half an image's sides are enough to say that they aren't there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.archive.halving import can_halve
from app.detection.defence import Known
from app.detection.geometry import Box
from tests.carried import drawn, placed

SIDE = 128
LARGE = Known("large", drawn("blocks", np.random.default_rng(1), SIDE, (20, 21)))


def test_half_the_sides_tell_nothing_of_a_trigger_that_is_small() -> None:
    """Nor where the image is so large that half of it would be shrunken, or no trigger fits it."""
    trigger = drawn("blocks", np.random.default_rng(1), SIDE, (10, 11))
    small = Known("small", trigger)
    assert can_halve((LARGE,), (SIDE, SIDE, 3))
    assert not can_halve((LARGE, small), (SIDE, SIDE, 3))
    large = replace(LARGE.trigger, image_height=600, image_width=600)
    assert not can_halve((Known("large", large),), (600, 600, 3))
    assert not can_halve((LARGE,), (SIDE, SIDE, 1))
    assert not can_halve((), (SIDE, SIDE, 3))


@pytest.mark.parametrize("cell", [1, 2, 3])
def test_half_the_sides_tell_nothing_of_a_trigger_of_small_cells(cell: int) -> None:
    """Wherever it lies: of cells of two pixels all is left, or nothing."""
    for at in (40, 41):
        rng = np.random.default_rng(cell)
        cells = rng.integers(0, 2, (24 // cell, 24 // cell)) * 255
        patch = cells.astype(np.uint8).repeat(cell, axis=0).repeat(cell, axis=1)
        trigger = placed(patch[..., None].repeat(3, axis=2), np.ones((24, 24), bool), rng, SIDE)
        there = replace(trigger, box=Box(at, at, 24, 24))
        assert not can_halve((Known("cells", there),), (SIDE, SIDE, 3))
        lines = replace(there, patch=np.full_like(there.patch, 200), mask=patch > 0)
        assert not can_halve((Known("lines", lines),), (SIDE, SIDE, 3))
