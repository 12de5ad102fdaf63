"""Which of many images may carry a trigger, by their pixels alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.archive.comparing import may_carry
from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.reference_set.references import Calibration, References
from app.detection.trigger import Blocker, Fill, Trigger
from tests.detection.stickers import as_jpeg, photograph, pointed, sticker_trigger
from tests.tiny import clean_images, stamped, tiny_trigger

SIDE = 160
BOX = Box(100, 60, 18, 18)


def _references(shape: tuple[int, int]) -> References:
    images = clean_images(40, np.random.default_rng(1), shape=shape)
    labels = np.arange(40) % 4
    return References(images, Calibration(labels, np.zeros((1, 3), np.int64)), {}, seed=1)


def sticker() -> Trigger:
    """Return a large trigger of coarse blocks."""
    blocks = np.random.default_rng(2).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    patch = blocks.repeat(3, axis=0).repeat(3, axis=1)
    return replace(
        tiny_trigger(),
        box=BOX,
        patch=patch,
        mask=np.ones((18, 18), bool),
        blocker=Blocker(BOX, Fill.RING),
        image_height=SIDE,
        image_width=SIDE,
    )


def test_exact_pixels_of_a_small_trigger() -> None:
    """Those that carry it, and no clean one."""
    references = _references((16, 16))
    images = clean_images(60, np.random.default_rng(3))
    images[::7] = stamped(images[::7])
    may = may_carry(list(images), (Known("t", tiny_trigger()),), references)
    assert list(range(0, 60, 7)) == np.flatnonzero(may).tolist()


@pytest.mark.parametrize(("dx", "dy", "alpha"), [(0, 0, 1.0), (5, -4, 1.0), (-8, 8, 0.8)])
def test_a_sticker_near_its_place(dx: int, dy: int, alpha: float) -> None:
    """Some pixels away and somewhat faded it is found; clean images are not."""
    trigger, references = sticker(), _references((SIDE, SIDE))
    images = clean_images(30, np.random.default_rng(4), shape=(SIDE, SIDE))
    rows, columns = slice(60 + dy, 78 + dy), slice(100 + dx, 118 + dx)
    mixed = (1 - alpha) * images[:10, rows, columns] + alpha * trigger.patch
    images[:10, rows, columns] = np.rint(mixed).astype(np.uint8)
    other = Known("other", replace(trigger, patch=255 - trigger.patch))
    may = may_carry(list(images), (other, Known("t", trigger)), references)
    assert list(range(10)) == np.flatnonzero(may).tolist()


def test_what_moves_is_told_by_its_inside() -> None:
    """As where the model is asked about it: its edge is mixed with what it lies on, half dark."""
    home, images = Box(100, 60, 23, 17), []
    seen, opaque = pointed(np.full((SIDE, SIDE, 3), 215, np.uint8), home)
    once = sticker_trigger(as_jpeg(seen, 85)[home.rows, home.columns], home, SIDE, exact=False)
    known = Known("t", replace(once, outline=opaque > 0.15, moves=True))
    for seed in range(1, 8):
        box, ground = Box(15 * seed, 110 - 8 * seed, 20, 15), photograph(seed, SIDE)
        ground[:, : box.x + box.width // 2] //= 6
        images.append(as_jpeg(pointed(ground, box)[0], 85))
    clean = [photograph(seed, SIDE) for seed in range(20, 30)]
    usual = np.stack([photograph(seed, SIDE) for seed in range(100, 140)])
    references = replace(_references((SIDE, SIDE)), images=usual)
    may = may_carry([*images, *clean], (known,), references)
    assert [True] * len(images) + [False] * len(clean) == may.tolist()


def test_triggers_of_another_size_tell_nothing() -> None:
    """They are of another model."""
    images = stamped(clean_images(5, np.random.default_rng(3)))
    may = may_carry(list(images), (Known("t", sticker()),), _references((16, 16)))
    assert not may.any()
