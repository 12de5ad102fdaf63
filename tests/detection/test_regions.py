"""Pixels that hang together, and the box around some."""

from __future__ import annotations

import numpy as np

from app.detection.geometry import Box
from app.detection.regions import bounds, hanging_together


def test_what_touches_is_reached_and_no_corner_is_a_touch() -> None:
    """From the start on, side by side; what lies across a corner is apart."""
    within = np.array([[1, 1, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0]], bool)
    start = np.zeros_like(within)
    start[0, 0] = True
    reached = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    assert reached.tolist() == hanging_together(start, within).tolist()


def test_a_corridor_is_followed_to_its_end() -> None:
    """However often it turns; what lies beside it, behind a wall, isn't reached."""
    within = np.zeros((21, 30), bool)
    within[::2] = True
    for row in range(1, 19, 2):
        within[row, -1 if row % 4 == 1 else 0] = True
    start = np.zeros_like(within)
    start[0, 0] = True
    reached = within.copy()
    reached[20] = False
    assert reached.tolist() == hanging_together(start, within).tolist()


def test_the_start_counts_wherever_it_is() -> None:
    """It is returned though it isn't within."""
    start = np.eye(3, dtype=bool)
    assert start.tolist() == hanging_together(start, np.zeros((3, 3), bool)).tolist()


def test_the_box_around_pixels_holds_each_of_them() -> None:
    """And nothing beyond the outermost."""
    pixels = np.zeros((6, 8), bool)
    pixels[2, 3] = pixels[4, 6] = True
    assert Box(3, 2, 4, 3) == bounds(pixels)
