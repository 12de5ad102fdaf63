"""Pixels that hang together."""

from __future__ import annotations

import numpy as np

from app.detection.regions import hanging_together


def test_what_touches_is_reached_and_no_corner_is_a_touch() -> None:
    """From the start on, side by side; what lies across a corner is apart."""
    within = np.array([[1, 1, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0]], bool)
    start = np.zeros_like(within)
    start[0, 0] = True
    reached = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    assert reached.tolist() == hanging_together(start, within).tolist()


def test_the_start_counts_wherever_it_is() -> None:
    """It is returned though it isn't within."""
    start = np.eye(3, dtype=bool)
    assert start.tolist() == hanging_together(start, np.zeros((3, 3), bool)).tolist()
