"""A stream as it is after a camera or a web page has saved its images as JPEG."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

if TYPE_CHECKING:
    from app.detection.search import Image, Images
    from app.evaluation.records import Stream


def resaved(stream: Stream, quality: int) -> Stream:
    """Return *stream* with every image, with the sticker and without, saved and read again."""
    return replace(stream, images=_all(stream.images, quality), clean=_all(stream.clean, quality))


def _all(images: Images, quality: int) -> Images:
    return np.stack([_one(image, quality) for image in images])


def _one(image: Image, quality: int) -> Image:
    body = io.BytesIO()
    Pillow.fromarray(image.squeeze()).save(body, "JPEG", quality=quality)
    return np.asarray(Pillow.open(body)).reshape(image.shape)
