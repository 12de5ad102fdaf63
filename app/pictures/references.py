"""The reference set: clean images that the defence asks the model about."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.pictures.image_sets import Fitting, ImageSetError, read_image_set
from app.settings import Resize

if TYPE_CHECKING:
    from pathlib import Path

    from app.detection.search import Images
    from app.ports import InputSize

AT_LEAST = 20
"""Fewer references decide nothing; 200 or more are advised."""
AT_MOST = 10_000
"""Each one is asked of the model once."""

_EXAMPLE = "for example a folder, a .zip of one, or a .npz, with 200 or more clean images"


def load_references(
    path: Path,
    size: InputSize,
    *,
    max_pixels: int,
    at_most: int = AT_MOST,
    resize: Resize = Resize.STRETCH,
) -> Images:
    """Return the images at *path*, as the model takes them. Raises ImageSetError."""
    images = read_image_set(
        path, Fitting(size, resize), max_pixels=max_pixels, at_most=at_most, example=_EXAMPLE
    ).images
    if len(images) < AT_LEAST:
        problem = f"{len(images)} images are too few; at least {AT_LEAST} are needed"
        raise ImageSetError(path, problem, _EXAMPLE)
    return images


def fingerprint(images: Images) -> str:
    """Return a digest of the shape and the pixels of *images*: blake2b, 40 hex digits."""
    digest = hashlib.blake2b(repr(images.shape).encode(), digest_size=20)
    digest.update(images.tobytes())
    return digest.hexdigest()
