"""Boxes, and the covers that make sure that no trigger lies between two windows."""

from __future__ import annotations

from dataclasses import dataclass


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

    def grown(self, margin: int, image_width: int, image_height: int) -> Box:
        """Return the box made larger by *margin* pixels a side, cut off at the image's edges."""
        x, y = max(self.x - margin, 0), max(self.y - margin, 0)
        right = min(self.x + self.width + margin, image_width)
        bottom = min(self.y + self.height + margin, image_height)
        return Box(x, y, right - x, bottom - y)

    def overlap(self, other: Box) -> float:
        """Return the intersection over union with *other*: 0 apart, 1 the same."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(width, 0) * max(height, 0)
        return shared / (self.area + other.area - shared)
