"""Pixels that hang together, and the box around some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray


def hanging_together(start: NDArray[np.bool_], within: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (h, w): the pixels of *start*, and all *within* that touch one that is returned."""
    reached = start
    while True:
        near = np.pad(reached, 1)
        touching = near[:-2, 1:-1] | near[2:, 1:-1] | near[1:-1, :-2] | near[1:-1, 2:]
        grown = reached | (within & touching)
        if (grown == reached).all():
            return grown
        reached = grown


def bounds(pixels: NDArray[np.bool_]) -> Box:
    """Return the smallest box around *pixels* (h, w), of which there is one at least."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    y, x = int(rows[0]), int(columns[0])
    return Box(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
