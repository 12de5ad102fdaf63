"""Pixels to files."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image as Pillow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return *picture* (height, width) or (height, width, 1, 3 or 4) as a PNG: grey, RGB, RGBA."""
    return png_of(Pillow.fromarray(picture.squeeze(2) if picture.shape[2:] == (1,) else picture))


def png_of(picture: Pillow.Image) -> bytes:
    """Return a Pillow picture as a PNG."""
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
