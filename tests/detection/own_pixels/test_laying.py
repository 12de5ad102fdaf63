"""Hits laid on one another: what varies little between them is the trigger's."""

from __future__ import annotations

import numpy as np

from app.detection.geometry import Box
from app.detection.matching import Likeness
from app.detection.own_pixels.laying import in_common
from tests.detection.stickers import as_jpeg, photograph, sticker, stuck

SIDE = 72
TRUE = stuck(np.zeros((24, 24, 3), np.uint8), sticker(side=9), Box(0, 0, 24, 24))
BOXES = [Box(24 + right, 22 + down, 24, 24) for right, down in ((0, 0), (3, -2), (-3, 3), (2, 1))]
HITS = [as_jpeg(stuck(photograph(seed, SIDE), TRUE, box), 80) for seed, box in enumerate(BOXES)]
ALL_OF_IT = Likeness(TRUE.astype(np.float32), np.ones((24, 24), np.float32))


def test_jittered_hits_have_the_sticker_in_common() -> None:
    """All of it, and little of what is around."""
    common = in_common(ALL_OF_IT, HITS)
    assert common is not None
    assert 0.85 * 24 * 24 <= common.weights.sum() <= 1.2 * 24 * 24


def test_a_part_leads_to_all_of_it() -> None:
    """What the first likeness lacks is found around it, round by round."""
    part = Likeness(np.ascontiguousarray(TRUE[:18, :18], np.float32), np.ones((18, 18), np.float32))
    common = in_common(part, HITS)
    assert common is not None
    assert common.weights.sum() >= 0.75 * 24 * 24


def test_a_hit_that_is_laid_wrongly_spoils_nothing() -> None:
    """Of five hits one shows the sticker's likeness elsewhere, and varies from the others."""
    wrong = photograph(9, SIDE)
    wrong[24:48, 24:48] = TRUE[::-1, ::-1] // 2 + wrong[24:48, 24:48] // 2
    alone, with_it = in_common(ALL_OF_IT, HITS), in_common(ALL_OF_IT, [*HITS, wrong])
    assert alone is not None
    assert with_it is not None
    assert with_it.weights.sum() >= 0.85 * alone.weights.sum()


def test_hits_that_show_nothing_have_nothing_in_common() -> None:
    """Photographs without the sticker aren't laid on one another."""
    assert in_common(ALL_OF_IT, [photograph(seed, SIDE) for seed in range(20, 24)]) is None
