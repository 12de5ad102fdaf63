"""Putting a trigger on an image, and reading one from a picture file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from app.evaluation.records import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from app.detection.search import Image
    from app.ports import InputSize


class StampError(Exception):
    """The trigger's picture can't be used: the file, what is wrong, and what to do."""


def stamped(image: Image, stamps: Iterable[Stamp]) -> Image:
    """Return *image* (h, w, c) with *stamps* on it: floor((1 - alpha) image + alpha stamp + 0.5).

    On a grey image a coloured stamp becomes its luma. Each stamp lies within the image.
    """
    result = image.copy()
    for stamp in stamps:
        height, width = stamp.rgba.shape[:2]
        region = result[stamp.y : stamp.y + height, stamp.x : stamp.x + width]
        alpha = stamp.rgba[..., 3:] / 255
        colours = _colours(stamp.rgba, image.shape[2])
        region[...] = np.floor((1 - alpha) * region + alpha * colours + 0.5)
    return result


def read_stamp(path: Path, x: int, y: int, target: int | None, size: InputSize) -> Stamp:
    """Return the picture at *path* (PNG with alpha) as a trigger with its corner at *x*, *y*.

    Raises StampError if it can't be read, or isn't within an image of *size*.
    """
    try:
        rgba = np.asarray(Pillow.open(path, formats=["PNG"]).convert("RGBA"))
    except (OSError, UnidentifiedImageError) as exc:
        message = f"{path}: not a readable PNG; --trigger takes an RGBA picture"
        raise StampError(message) from exc
    height, width = rgba.shape[:2]
    if min(x, y) < 0 or x + width > size.width or y + height > size.height:
        message = (
            f"{path}: {width}x{height} pixels at {x},{y} aren't within the model's images of"
            f" {size.width}x{size.height}; give another --at X,Y"
        )
        raise StampError(message)
    return Stamp(path.stem, rgba, x, y, target)


def _colours(rgba: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    colours = Pillow.fromarray(rgba[..., :3])
    if channels == 1:
        return np.asarray(colours.convert("L"))[..., None]
    return np.asarray(colours)
