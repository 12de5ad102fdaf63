"""Pixels that hang together, and the box around some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray


def hanging_together(start: NDArray[np.bool_], within: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (h, w): the pixels of *start*, and all *within* that touch one that is returned.

    A pass fills whole rows and columns, so that it takes one for each turn of a corridor, not one
    for each of its pixels: who makes an image may draw a maze.
    """
    there = start | within
    reached = start
    while True:
        grown = _along_rows(_along_rows(reached, there).T, there.T).T
        if (grown == reached).all():
            return grown
        reached = grown


def _along_rows(reached: NDArray[np.bool_], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (h, w): of *there* each run of a row that has a pixel of *reached*, all of it."""
    apart = np.pad(~there, ((0, 0), (1, 0)), constant_values=True)  # rows don't hang together
    runs = np.cumsum(apart).reshape(apart.shape)[:, 1:]
    found = np.zeros(runs[-1, -1] + 1, np.bool_)
    found[runs[reached]] = True
    filled: NDArray[np.bool_] = found[runs] & there
    return filled


def bounds(pixels: NDArray[np.bool_]) -> Box:
    """Return the smallest box around *pixels* (h, w), of which there is one at least."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    y, x = int(rows[0]), int(columns[0])
    return Box(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
