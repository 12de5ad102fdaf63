"""Pixels that hang together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
