"""What the core does to images: transplant a region, or block one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, assert_never

import numpy as np

from app.detection.colours import dominant_colour
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Image, Images

WAYS = (Fill.INPAINT, Fill.RING, Fill.REFERENCES)
"""In which a place is hidden to see if the image needs it."""

RING = 2
"""Width in pixels of the surroundings that a fill is taken from."""


def transplant(image: Image, boxes: Sequence[Box], onto: Images) -> Images:
    """Return copies of *onto* (n, h, w, c) where the i-th shows *image* inside the i-th box.

    NEO's Place_Trigger (Algorithm 2): the region keeps its place.
    """
    poisoned = onto.copy()
    for target, box in zip(poisoned, boxes, strict=True):
        target[box.rows, box.columns] = image[box.rows, box.columns]
    return poisoned


def transplant_pieces(image: Image, pieces: Sequence[Box], onto: Images) -> Images:
    """Return copies of *onto* (n, h, w, c), each of which shows *image* inside all of *pieces*."""
    poisoned = onto.copy()
    for box in pieces:
        poisoned[:, box.rows, box.columns] = image[box.rows, box.columns]
    return poisoned


def block(image: Image, blockers: Sequence[Blocker], backdrop: Image) -> Image:
    """Return *image* with *blockers* put over it, one after the other.

    *backdrop* (h, w, c) is what references show in the mean (`References.backdrop`).
    """
    blocked = image.copy()
    for blocker in blockers:
        region = blocker.box.rows, blocker.box.columns
        blocked[region] = _filling(blocked, blocker, backdrop[region])
    return blocked


def hidden(image: Image, box: Box, backdrop: Image) -> Images:
    """Return *image* with *box* hidden in each of the `WAYS`: (ways, h, w, c)."""
    return np.stack([block(image, [Blocker(box, fill)], backdrop) for fill in WAYS])


def _filling(image: Image, blocker: Blocker, usual: NDArray[np.uint8]) -> NDArray[np.uint8]:
    match blocker.fill:
        case Fill.DOMINANT:
            return dominant_colour(image)
        case Fill.RING:
            return _median_of_ring(image, blocker.box)
        case Fill.INPAINT:
            return _continued_surroundings(image, blocker.box)
        case Fill.REFERENCES:
            return usual
        case _:
            assert_never(blocker.fill)


def _median_of_ring(image: Image, box: Box) -> NDArray[np.uint8]:
    height, width, _ = image.shape
    around = box.grown(RING, width, height)
    outside = np.ones((around.height, around.width), bool)
    top, left = box.y - around.y, box.x - around.x
    outside[top : top + box.height, left : left + box.width] = False
    ring = image[around.rows, around.columns][outside]
    if not len(ring):  # the box is the whole image
        return dominant_colour(image)
    median: NDArray[np.uint8] = np.rint(np.median(ring, axis=0)).astype(np.uint8)
    return median


def _continued_surroundings(image: Image, box: Box) -> NDArray[np.uint8]:
    """Mix the four sides of the box into it, each weighted by one over its distance.

    A plain colour leaves an edge that a classifier may take for a shape; this leaves none.
    """
    down = np.arange(1, box.height + 1, dtype=np.float32)[:, None, None]
    right = np.arange(1, box.width + 1, dtype=np.float32)[None, :, None]
    total = np.zeros((box.height, box.width, image.shape[2]), np.float32)
    weights = np.zeros((box.height, box.width, 1), np.float32)
    bottom, edge = box.y + box.height, box.x + box.width
    sides = (
        (image[max(box.y - RING, 0) : box.y, box.columns], 0, down),
        (image[bottom : bottom + RING, box.columns], 0, down[::-1]),
        (image[box.rows, max(box.x - RING, 0) : box.x], 1, right),
        (image[box.rows, edge : edge + RING], 1, right[:, ::-1]),
    )
    for side, axis, distance in sides:
        if side.shape[axis]:  # else the box is flush with this edge of the image
            total += side.mean(axis=axis, keepdims=True, dtype=np.float32) / distance
            weights += 1 / distance
    if not weights.all():
        return dominant_colour(image)
    mixed: NDArray[np.uint8] = np.rint(total / weights).astype(np.uint8)
    return mixed


def shrunken(images: Images, step: int) -> NDArray[np.float32]:
    """Average *images* (n, h, w, c) over squares of *step* pixels, without what is left over."""
    if step == 1:
        return images.astype(np.float32)
    n, height, width, channels = images.shape
    rows, columns = height // step, width // step
    whole = images[:, : rows * step, : columns * step]
    strips = whole.reshape(n, rows, step, columns * step, channels)
    # Whole numbers over rows, then a matrix product: numpy's mean takes 60 times as long.
    sums = strips.sum(axis=2, dtype=np.min_scalar_type(255 * step))
    squares = sums.reshape(-1, step * channels).astype(np.float32)
    averaged: NDArray[np.float32] = squares @ _averaging(step, channels)
    return averaged.reshape(n, rows, columns, channels)


@lru_cache(maxsize=64)
def _averaging(step: int, channels: int) -> NDArray[np.float32]:
    """Return what makes the mean of each channel of *step* pixels: (step times c, c)."""
    return np.tile(np.eye(channels, dtype=np.float32), (step, 1)) / np.float32(step**2)


def resized(pixels: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Return *pixels* (h, w, c) in another size; a new one averages all that it covers."""
    tall, wide, channels = pixels.shape
    if (tall, wide) == (height, width):
        return pixels
    rows = (_shares(tall, height) @ pixels.reshape(tall, -1)).reshape(height, wide, channels)
    with np.errstate(invalid="ignore"):  # OpenBLAS says so of finite ones now and then
        both: NDArray[np.float32] = _shares(wide, width) @ rows
    return both


@lru_cache(maxsize=256)
def _shares(length: int, wanted: int) -> NDArray[np.float32]:
    """Return how much of each of *length* pixels is in each of *wanted* ones: (wanted, length)."""
    reach = max(1.0, length / wanted)
    middles = (np.arange(wanted) + 0.5) * length / wanted - 0.5
    near = 1 - np.abs(np.arange(length)[None] - middles[:, None]) / reach
    near = np.maximum(near, 0)
    shares: NDArray[np.float32] = (near / near.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
