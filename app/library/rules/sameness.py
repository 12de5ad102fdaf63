"""When two findings are one trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.detection.geometry import Box
    from app.detection.trigger import Trigger

SAME_OVERLAP = 0.25
"""Boxes of one sticker, localised from different images, are a few pixels off: those of a 4x4
sticker in the opposite corners of two 6x6 boxes share 16 of 56 pixels, 0.29 of their union. Two
stickers side by side share none. Taking two for one costs more than it seems, for the second is
then never added; so no lower than this."""

SAME_SHARE = 0.6
"""One search may end in a box much larger than the other's. Then the overlap is small, but most of
the smaller box lies in the larger one, and what hides the larger hides the smaller."""


def same_trigger(a: Trigger, b: Trigger) -> bool:
    """Tell if *a* and *b* make the model answer the same, for the same images, from one place."""
    same_size = (a.image_width, a.image_height) == (b.image_width, b.image_height)
    return same_size and _same_effect(a, b) and _same_place(a.box, b.box)


def _same_effect(a: Trigger, b: Trigger) -> bool:
    """Tell if they lead to one class, or both lead each class to one of its own."""
    return a.target == b.target or (a.source is not None and b.source is not None)


def _same_place(a: Box, b: Box) -> bool:
    overlap = a.overlap(b)
    shared = overlap * (a.area + b.area) / (1 + overlap)  # |a & b|, from its share of |a | b|
    return overlap >= SAME_OVERLAP or shared >= SAME_SHARE * min(a.area, b.area)
