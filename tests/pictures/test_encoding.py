"""Pixels to PNG and back."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow

from app.pictures.encoding import png
from tests.files import noise


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_png_has_the_same_pixels(channels: int, mode: str) -> None:
    """Grey, colour and alpha are each written as such, bit for bit."""
    picture = noise(channels=channels)
    read = Pillow.open(BytesIO(png(picture)))
    assert mode == read.mode
    assert np.array_equal(picture.squeeze(), np.asarray(read))
