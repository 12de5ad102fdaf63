"""The outline of a found trigger: what of an image stands out there from what is around it.

A box holds more than the sticker in it, or less where half of a sticker is enough. On other images
there is something else around the sticker: so that would be looked for in vain.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import around
from app.detection.regions import bounds, hanging_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Image

REACH = 0.75  # of the box's shorter side, around it: so far may the trigger reach
LEAST_REACH = 3  # pixels of it
FRAME = 3  # part of the reach that is background for sure: a frame around all of it
LIKE = 24  # levels from a pixel of the frame, within which one inside shows the same
LEAST, MOST = 0.2, 3.0  # of the box's area, that must be left, and may be
COARSE = 2  # levels of a colour that count as one
LEVELS = 256 // COARSE
SAME = 0.9  # overlap of two outlines, from which on they are one


def outlined(image: Image, box: Box) -> tuple[Box, NDArray[np.bool_]] | None:
    """Return *box*, grown to hold all of the trigger, and which of its pixels (h, w) are its own.

    None if that can't be told: the trigger is like its surroundings, or these are too varied.
    What is like the surroundings, but enclosed, is its own.
    """
    height, width, _ = image.shape
    margin = max(LEAST_REACH, round(REACH * min(box.width, box.height)))
    area = box.grown(margin, width, height)
    within = replace(box, x=box.x - area.x, y=box.y - area.y)
    like_it = background(image[area.rows, area.columns], within, max(1, margin // FRAME))
    inside = np.zeros_like(like_it)
    inside[within.rows, within.columns] = True
    own = hanging_together(inside & ~like_it, ~like_it)
    if own.sum() > MOST * box.area:
        own &= inside
    if own.all() or not LEAST * box.area <= own.sum() <= MOST * box.area:
        return None
    whole = around([within, bounds(own)])
    return replace(whole, x=whole.x + area.x, y=whole.y + area.y), own[whole.rows, whole.columns]


def standing_out(image: Image, box: Box, by: Sequence[int]) -> list[Box]:
    """Return the bounds of what stands out about *box*, grown *by* so many pixels or another.

    What most of these show comes first. A box of which a part is enough lies somewhere in its
    trigger, so what stands out about it is the whole of that.
    """
    height, width, _ = image.shape
    found: list[list[Box]] = []
    for pixels in by:
        seen = outlined(image, box.grown(pixels, width, height))
        if seen is None:
            continue
        whole, own = seen
        outline = bounds(own)
        outline = replace(outline, x=outline.x + whole.x, y=outline.y + whole.y)
        alike = next((some for some in found if outline.overlap(some[0]) >= SAME), None)
        if alike is None:
            found.append([outline])
        else:
            alike.append(outline)
    return [some[0] for some in sorted(found, key=len, reverse=True)]


def background(seen: Image, within: Box, thick: int) -> NDArray[np.bool_]:
    """Return which pixels (h, w) of *seen* are like a frame around it, and hang together with it.

    The frame lies outside of *within*: at the image's edge there may be none on one side.
    """
    height, width, _ = seen.shape
    frame = np.ones((height, width), bool)
    top, left = min(thick, within.y), min(thick, within.x)
    bottom = min(thick, height - within.y - within.height)
    right = min(thick, width - within.x - within.width)
    frame[top : height - bottom, left : width - right] = False
    like = frame | _like(seen, seen[frame])
    return hanging_together(frame, like)


def _like(seen: Image, colours: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels (h, w) of *seen* are within LIKE levels of one of *colours* (n, c).

    How many of these are below each level of each channel is counted once: then the time it takes
    doesn't grow with their number, and all of noise are different.
    """
    channels = seen.shape[2]
    below = np.zeros((LEVELS + 1,) * channels, np.int32)
    np.add.at(below, tuple((colours // COARSE + 1).T), 1)
    for axis in range(channels):
        np.cumsum(below, axis=axis, out=below)
    levels = seen.astype(np.intp)
    least = (np.maximum(levels - LIKE, 0) + COARSE - 1) // COARSE
    beyond = np.minimum((levels + LIKE) // COARSE + 1, LEVELS)
    near = np.zeros(seen.shape[:2], np.int32)
    for corner in product((0, 1), repeat=channels):  # of the cube of levels that are near
        at = tuple((beyond if upper else least)[..., i] for i, upper in enumerate(corner))
        near += (-1) ** (channels - sum(corner)) * below[at]
    return near > 0
