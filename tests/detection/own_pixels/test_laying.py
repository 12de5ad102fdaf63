"""What hits show of a known mask and about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.matching import Likeness
from app.detection.own_pixels.laying import about

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hit = NDArray[np.uint8]

SIDE, AT, TALL, WIDE = 48, 16, 12, 12
RNG = np.random.default_rng(4)
BLOCKS = np.kron(RNG.integers(0, 2, (4, 4, 1)) * 255, np.ones((3, 3, 1))).repeat(3, axis=2)


def _hits(count: int, noise: float = 0.0, spread: int = 18) -> list[Hit]:
    """Return hits with the sticker at AT, each with other noise about it, some *noise* on it."""
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(count):
        hit = rng.integers(128 - spread, 128 + spread, (SIDE, SIDE, 3)).astype(np.uint8)
        shown = np.abs(BLOCKS - 40) + rng.normal(0, noise, BLOCKS.shape)
        hit[AT : AT + TALL, AT : AT + WIDE] = np.clip(shown, 0, 255)
        hits.append(hit)
    return hits


def _told(hit: Hit, width: int) -> Likeness:
    pixels = hit[AT : AT + TALL, AT : AT + width].astype(np.float32)
    return Likeness(pixels, np.ones(pixels.shape[:2], np.float32))


def _mask(told: Likeness, hits: list[Hit]) -> NDArray[np.bool_]:
    found = about(told, hits)
    assert found is not None
    return found[1]


def test_a_known_mask_loses_what_varies_as_its_surroundings_do() -> None:
    """Four columns of the first image's background beside the sticker, where much differs."""
    hits, rng = _hits(5), np.random.default_rng(6)
    for hit in hits:
        hit[AT : AT + TALL, AT + WIDE : AT + WIDE + 4] = rng.choice([90, 160], (TALL, 4, 3))
    mask = _mask(_told(hits[0], WIDE + 4), hits)
    assert mask.any(axis=0).sum() <= WIDE + 1
    assert mask.sum() >= 0.9 * TALL * WIDE


def test_it_keeps_what_varies_less_than_these() -> None:
    """A JPEG and a resize make a sticker vary more than half as much as what is about it."""
    hits = _hits(5, noise=8.0)
    mask = _mask(_told(hits[0], WIDE), hits)
    assert mask.sum() >= 0.9 * TALL * WIDE


def test_of_a_few_hits_it_does_not_gain_a_floor_that_most_stand_on() -> None:
    """It doesn't stand out of what is about the sticker; eight hits hardly share one."""
    for count, gains in ((5, False), (9, True)):
        hits = _hits(count, spread=68)
        for hit in hits[:-1]:
            hit[AT + TALL :] = 90
        rows = _mask(_told(hits[0], WIDE), hits).any(axis=1).sum()
        assert gains is bool(rows > TALL + 1), count
