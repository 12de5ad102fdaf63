"""Boxes, and the covers that make sure that no trigger lies between two windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, order=True)
class Box:
    """A rectangle of pixels: ``x``, ``y`` is its upper left corner; it is never empty."""

    x: int
    y: int
    width: int
    height: int

    @property
    def rows(self) -> slice:
        """The rows of an image that the box spans."""
        return slice(self.y, self.y + self.height)

    @property
    def columns(self) -> slice:
        """The columns of an image that the box spans."""
        return slice(self.x, self.x + self.width)

    @property
    def area(self) -> int:
        """The box's size in pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[int, int]:
        """The column and the row in the middle."""
        return self.x + self.width // 2, self.y + self.height // 2

    def holds(self, point: tuple[int, int]) -> bool:
        """Say if the pixel at this column and row is inside."""
        x, y = point
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height

    def is_in(self, other: Box) -> bool:
        """Say if no pixel of it is outside *other*."""
        return self.common(other) == self

    def grown(self, margin: int, image_width: int, image_height: int) -> Box:
        """Return the box made larger by *margin* pixels a side, cut off at the image's edges."""
        x, y = max(self.x - margin, 0), max(self.y - margin, 0)
        right = min(self.x + self.width + margin, image_width)
        bottom = min(self.y + self.height + margin, image_height)
        return Box(x, y, right - x, bottom - y)

    def common(self, other: Box) -> Box | None:
        """Return the intersection with *other*, None where there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width = min(self.x + self.width, other.x + other.width) - x
        height = min(self.y + self.height, other.y + other.height) - y
        return Box(x, y, width, height) if min(width, height) > 0 else None

    def overlap(self, other: Box) -> float:
        """Return the intersection over union with *other*: 0 apart, 1 the same."""
        common = self.common(other)
        shared = 0 if common is None else common.area
        return shared / (self.area + other.area - shared)


def starts(length: int, window: int, trigger: int) -> tuple[int, ...]:
    """Return where windows start so that each interval of *trigger* pixels is inside one of them.

    As few as can be, evenly spread over *length*, the first and the last flush with the edges.
    Raises ValueError if the window is smaller than the trigger or larger than the length.
    """
    if not trigger <= window <= length:
        message = f"a window of {window} can't hold {trigger} pixels within {length}"
        raise ValueError(message)
    steps = math.ceil((length - window) / (window - trigger + 1))
    if not steps:
        return (0,)
    return tuple(round(step * (length - window) / steps) for step in range(steps + 1))


def windows(area: Box, width: int, height: int, trigger: int) -> tuple[Box, ...]:
    """Return windows inside *area* that hold each square of *trigger* pixels a side in it whole."""
    return tuple(
        Box(area.x + x, area.y + y, width, height)
        for y in starts(area.height, height, min(trigger, height))
        for x in starts(area.width, width, min(trigger, width))
    )


def around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all of *boxes*."""
    x, y = min(box.x for box in boxes), min(box.y for box in boxes)
    right = max(box.x + box.width for box in boxes)
    bottom = max(box.y + box.height for box in boxes)
    return Box(x, y, right - x, bottom - y)


def merged(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """Return *boxes* with those that overlap made one, until none do."""
    apart: list[Box] = []
    for box in boxes:
        joined = box
        while touching := [other for other in apart if joined.overlap(other) > 0]:
            apart = [other for other in apart if other not in touching]
            joined = around([joined, *touching])
        apart.append(joined)
    return tuple(apart)
