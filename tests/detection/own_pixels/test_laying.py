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


GREY, TOLD = 130, 9
"""A sticker is partly as grey as what it lies on: right of the columns that are told of it."""


def _partly_grey(levels: list[int], noisy: int) -> list[Hit]:
    """Return hits with such a sticker on plain *levels*, then so many on a noise of all greys."""
    rng = np.random.default_rng(7)
    backgrounds = [np.full((SIDE, SIDE, 1), level) for level in levels]
    backgrounds += [rng.integers(0, 256, (SIDE, SIDE, 1)) for _ in range(noisy)]
    hits = [one.repeat(3, axis=2).astype(np.uint8) for one in backgrounds]
    for hit in hits:
        hit[AT : AT + TALL, AT : AT + WIDE] = BLOCKS
        hit[AT : AT + TALL, AT + TOLD : AT + WIDE] = GREY
    return hits


def _columns_of_piece(hits: list[Hit]) -> int:
    """Return how many columns the mask has of which the left ones were told."""
    return int(_mask(_told(hits[0], TOLD), hits).any(axis=0).sum())


def test_of_a_few_hits_it_gains_what_stands_out_of_most() -> None:
    """Three of five backgrounds tell the grey part of it; or two of them, which is chance."""
    assert _columns_of_piece(_partly_grey([60, 180, 220, GREY - 10, GREY + 10], 0)) >= WIDE
    assert _columns_of_piece(_partly_grey([60, 220, GREY - 10, GREY, GREY + 10], 0)) < WIDE


def test_where_too_few_backgrounds_tell_anything_it_gains_what_is_steady() -> None:
    """Two plain ones are as grey as a part of it; in those of all greys nothing stands out."""
    assert _columns_of_piece(_partly_grey([GREY - 10, GREY + 10], 3)) >= WIDE


def test_of_many_hits_it_loses_what_varies_as_nearly_all_about_it() -> None:
    """Two columns beside it are a dim image of what is there: they vary by 0.96 of it."""
    mild = 0.96
    for count, loses in ((5, False), (9, True)):
        hits = _hits(count, spread=60)
        for hit in hits:
            beside = hit[AT : AT + TALL, AT + WIDE : AT + WIDE + 3]
            beside[...] = 128 + mild * (beside.astype(np.float32) - 128)
        pixels = _mask(_told(hits[0], WIDE + 3), hits).sum()
        assert loses is bool(pixels < TALL * (WIDE + 2)), count
