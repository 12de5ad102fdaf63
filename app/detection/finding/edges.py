"""The edges of a box, and how far each can move inwards: a bisection that expects wrong answers."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

PLACES = 3  # of each edge that are asked in one round: quarters of where it may be
RIGHT = 0.85  # share of the answers to a place that are right: 0.8 to 0.95 were, on five models
SURE = 0.9  # of where an edge is, from which on no more is asked


class Edge(enum.Enum):
    """One of a box's four."""

    LEFT = enum.auto()
    TOP = enum.auto()
    RIGHT = enum.auto()
    BOTTOM = enum.auto()

    def length(self, box: Box) -> int:
        """Return the pixels of *box* in the direction in which this edge moves."""
        return box.width if self in {Edge.LEFT, Edge.RIGHT} else box.height

    def moved(self, box: Box, pixels: int) -> Box:
        """Move this edge of *box* inwards."""
        match self:
            case Edge.LEFT:
                return Box(box.x + pixels, box.y, box.width - pixels, box.height)
            case Edge.TOP:
                return Box(box.x, box.y + pixels, box.width, box.height - pixels)
            case Edge.RIGHT:
                return Box(box.x, box.y, box.width - pixels, box.height)
            case Edge.BOTTOM:
                return Box(box.x, box.y, box.width, box.height - pixels)


class EdgeSearch:
    """How far one edge of a box can move inwards: a bisection that expects wrong answers.

    It holds how likely each number of pixels is (Horstein's probabilistic bisection), and asks
    where that is cut into equal parts.
    """

    def __init__(self, edge: Edge, box: Box) -> None:
        self.edge = edge
        self._box = box
        self._likely = np.full(edge.length(box), 1 / edge.length(box))

    def places(self) -> list[int]:
        """Return the pixels by which to move the edge next: some that should do, some too many."""
        below = np.cumsum(self._likely)
        cuts = (np.arange(PLACES) + 1) / (PLACES + 1)
        places = np.searchsorted(below, cuts) + (cuts > 0.5)  # noqa: PLR2004  # beyond the median
        return [int(place) for place in places.clip(1, len(self._likely) - 1)]

    def moved(self, pixels: int) -> Box:
        """Return the box with this edge moved inwards."""
        return self.edge.moved(self._box, pixels)

    def learn(self, pixels: int, *, whole: bool) -> None:
        """Take in whether the box was still the *whole* trigger when the edge moved so far."""
        reached = np.arange(len(self._likely)) >= pixels
        self._likely *= np.where(reached == whole, RIGHT, 1 - RIGHT)
        self._likely /= self._likely.sum()

    def is_sure(self, tolerance: int) -> bool:
        """Say if the edge is known to *tolerance* pixels either way."""
        if len(self._likely) == 1:
            return True
        near = np.convolve(self._likely, np.ones(2 * tolerance + 1))
        return bool(near.max() >= SURE)

    @property
    def pixels(self) -> int:
        """The median: too far as likely as not far enough."""
        return int(np.searchsorted(np.cumsum(self._likely), 0.5))


def joined(edges: Sequence[EdgeSearch]) -> Box:
    """Return the box with all its *edges* moved, at least a pixel each way."""
    box = edges[0].moved(0)
    for search in edges:
        box = search.edge.moved(box, min(search.pixels, search.edge.length(box) - 1))
    return box
