"""When pixels are those that were stored: near to them, or their pattern."""

from __future__ import annotations

import numpy as np
import pytest

from app.detection.matching import is_shown

RNG = np.random.default_rng(3)
PATTERN = RNG.integers(0, 2, (36, 3)).astype(np.uint8) * 255
PLAIN = np.full((9, 1), 200, np.uint8)
NOISE = RNG.normal(0, 20, (36, 3))


@pytest.mark.parametrize(
    ("seen", "stored"),
    [
        (PATTERN, PATTERN),
        (np.clip(PATTERN + NOISE, 0, 255), PATTERN),
        (PATTERN // 2 + 40, PATTERN),  # faint
        (PLAIN + 25, PLAIN),
    ],
)
def test_pixels_near_the_stored_ones_or_of_their_pattern_are_these(
    seen: np.ndarray, stored: np.ndarray
) -> None:
    """Noise, less contrast and another brightness leave the pattern what it is."""
    assert is_shown(seen, stored)


@pytest.mark.parametrize(
    ("seen", "stored"),
    [
        (255 - PATTERN, PATTERN),
        (np.concatenate([PATTERN[:18], 255 - PATTERN[18:]]), PATTERN),  # half of them are
        (PLAIN + 50, PLAIN),
        (np.where(np.arange(9)[:, None] % 2, PLAIN, 0), PLAIN),
        (PATTERN, np.full_like(PATTERN, 128)),
        (PATTERN[:0], PATTERN[:0]),
    ],
)
def test_others_are_not(seen: np.ndarray, stored: np.ndarray) -> None:
    """Neither the inverse, nor what has half of the pixels, nor another colour; nor nothing."""
    assert not is_shown(seen, stored)
