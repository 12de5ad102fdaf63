"""Cheap views of an image that keep its meaning."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFilter

from tests.benchmarks.training.unplaced import Warped

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Images

    View: TypeAlias = "Callable[[Pillow.Image], Pillow.Image]"


def _halved(picture: Pillow.Image) -> Pillow.Image:
    small = picture.resize((picture.width // 2, picture.height // 2), Pillow.Resampling.BILINEAR)
    return small.resize(picture.size, Pillow.Resampling.BILINEAR)


def _jpeg(picture: Pillow.Image) -> Pillow.Image:
    file = BytesIO()
    picture.save(file, "JPEG", quality=40)
    return Pillow.open(file)


def _median(picture: Pillow.Image) -> Pillow.Image:
    return picture.filter(ImageFilter.MedianFilter(3))


def _turned(degrees: float) -> View:
    return lambda picture: picture.rotate(degrees, Pillow.Resampling.BILINEAR)


def _grown(picture: Pillow.Image) -> Pillow.Image:
    width, height = picture.size
    box = (width * 0.05, height * 0.05, width * 0.95, height * 0.95)
    return picture.resize(picture.size, Pillow.Resampling.BILINEAR, box)


def _elastic(seed: int) -> View:
    def moved(picture: Pillow.Image) -> Pillow.Image:
        pixels = np.asarray(picture)
        image = pixels.reshape(*pixels.shape[:2], -1)
        warped = Warped(picture.width / 28, seed)(image[None])[0]
        return Pillow.fromarray(warped.reshape(pixels.shape))

    return moved


VIEWS: tuple[View, ...] = (
    _halved,
    _jpeg,
    _elastic(101),
    _median,
    _turned(8),
    _turned(-8),
    _elastic(102),
    _grown,
)
"""Eight of them."""


def seen_as(view: View, images: Images) -> Images:
    """Return *images* (n, h, w, c), each as this view shows it."""
    return np.stack([_seen(view, image) for image in images])


def _seen(view: View, image: Images) -> Images:
    picture = Pillow.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    return np.asarray(view(picture)).reshape(image.shape)
