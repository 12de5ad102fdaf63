"""A sticker, photographs to put it on, and what a camera and a file format do to it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from app.detection.images import resized
from app.detection.trigger import Blocker, Fill
from tests.tiny import tiny_trigger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Image
    from app.detection.trigger import Trigger

SIDE = 64
"""Height and width of a photograph."""

STICKER_SIDE = 12
INNER = 0.3  # of a pointed sticker's sides


def photograph(seed: int, side: int = SIDE) -> Image:
    """Return what a clean photograph is like: soft shapes of some colours, with a little noise."""
    rng = np.random.default_rng(seed)
    shapes = resized(rng.uniform(30, 225, (7, 7, 3)).astype(np.float32), side, side)
    return _levels(shapes + rng.normal(0, 4, shapes.shape))


def sticker(seed: int = 0, side: int = STICKER_SIDE) -> Image:
    """Return a sticker of a few strong colours, in blocks of 3 pixels."""
    rng = np.random.default_rng([7, seed])
    few = rng.choice(np.array([0, 110, 255]), (side // 3, side // 3, 3))
    return few.repeat(3, axis=0).repeat(3, axis=1).astype(np.uint8)


def lettered() -> Image:
    """Return a label of 12 x 28 pixels with four letters that a shrunken copy shows as one grey."""
    label = np.full((12, 28, 3), 250, np.uint8)
    for left in range(3, 25, 6):
        label[3:9, left : left + 4] = (200, 20, 30)
        label[5:7, left + 1 : left + 3] = 250
    return label


def stuck(  # noqa: PLR0913, PLR0917  # each may be another than usual
    photo: Image, what: Image, box: Box, alpha: float = 1.0, gain: float = 1.0, offset: float = 0.0
) -> Image:
    """Return *photo* with *what* in *box*, made to fit it: fainter, of other contrast, lighter."""
    shown = photo.astype(np.float32)
    put = gain * resized(what.astype(np.float32), box.height, box.width) + offset
    region = shown[box.rows, box.columns]
    region[...] = (1 - alpha) * region + alpha * put
    return _levels(shown)


def pointed(photo: Image, box: Box) -> tuple[Image, NDArray[np.float32]]:
    """Return *photo* with a blue diamond in *box*, a yellow square in it, and how opaque it is.

    At its edge it is mixed with what it lies on.
    """
    height, width = box.height, box.width
    rows, columns = np.ogrid[0 : 4 * height, 0 : 4 * width]
    down = np.abs(rows + 0.5 - 2 * height) / (2 * height)
    across = np.abs(columns + 0.5 - 2 * width) / (2 * width)
    fine = np.zeros((4 * height, 4 * width, 4), np.float32)
    fine[down + across <= 1] = 30, 60, 200, 1
    fine[np.maximum(down, across) < INNER] = 250, 220, 30, 1
    shares = fine.reshape(height, 4, width, 4, 4).mean(axis=(1, 3))
    shown, opaque = photo.astype(np.float32), shares[..., 3:]
    region = shown[box.rows, box.columns]
    region[...] = (1 - opaque) * region + shares[..., :3]
    return _levels(shown), opaque[..., 0]


def as_jpeg(image: Image, quality: int) -> Image:
    """Return *image* as it comes out of a JPEG file."""
    file = BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Pillow.open(file))


def sticker_trigger(what: Image, box: Box, side: int = SIDE, *, exact: bool = True) -> Trigger:
    """Return the trigger that *what* is at *box*; its own pixels are known if it is *exact*."""
    return replace(
        tiny_trigger(),
        box=box,
        patch=what,
        mask=np.ones(what.shape[:2], bool) if exact else None,
        blocker=Blocker(box, Fill.RING),
        image_height=side,
        image_width=side,
    )


def _levels(values: NDArray[np.floating]) -> Image:
    levels: Image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
