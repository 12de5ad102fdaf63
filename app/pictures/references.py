"""The reference set: clean images that the defence asks the model about."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.pictures.image_sets import Fitting, ImageSetError, read_image_set
from app.settings import Resize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.detection.search import Images
    from app.ports import InputSize

AT_LEAST = 20
"""Fewer references decide nothing; 200 or more are advised."""
ADVISED = 200
"""With fewer the log says what is to be expected."""
AT_MOST = 10_000
"""Each one is asked of the model once."""

_EXAMPLE = "for example a folder, a .zip of one, or a .npz, with 200 or more clean images"


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """References as the model takes them, and what their owner should know of them, if anything."""

    images: Images
    remark: str | None


def load_references(
    path: Path,
    size: InputSize,
    *,
    max_pixels: int,
    at_most: int = AT_MOST,
    resize: Resize = Resize.STRETCH,
) -> Images:
    """Return the images at *path*, as the model takes them. Raises ImageSetError."""
    return read_references(path, size, max_pixels=max_pixels, at_most=at_most, resize=resize).images


def read_references(
    path: Path,
    size: InputSize,
    *,
    max_pixels: int,
    at_most: int = AT_MOST,
    resize: Resize = Resize.STRETCH,
) -> ReferenceSet:
    """Return the same, with a remark. Raises ImageSetError."""
    read = read_image_set(
        path, Fitting(size, resize), max_pixels=max_pixels, at_most=at_most, example=_EXAMPLE
    )
    if len(read.images) < AT_LEAST:
        problem = f"{len(read.images)} images are too few; at least {AT_LEAST} are needed"
        raise ImageSetError(path, problem, _EXAMPLE)
    return ReferenceSet(read.images, remark(read.shapes, size))


def remark(shapes: Sequence[tuple[int, int, int]], size: InputSize) -> str | None:
    """Say what is to be expected of references that came in these *shapes* (h, w, c).

    None where there are enough of them, and all are as a model of this *size* takes them.
    """
    count = len(shapes)
    others = sorted({shape[:2] for shape in shapes if shape[:2] != (size.height, size.width)})
    resized = sum(shape[:2] != (size.height, size.width) for shape in shapes)
    recoloured = sum(shape[2] != size.channels for shape in shapes)
    said = []
    if count < ADVISED:
        said.append(
            f"{count} images are few: with less than {ADVISED} more triggers are missed, and more"
            " clean images are taken for something new"
        )
    if others:
        said.append(
            f"{resized} of {count} images have another size than the model's"
            f" {size.height}x{size.width} ({_sizes(others)}): NEO_INPUT_RESIZE makes them fit, so"
            " they show less than callers' images that fit already"
        )
    if recoloured:
        was, takes = ("grey", "colour") if size.channels > 1 else ("coloured", "grey")
        said.append(
            f"{recoloured} of {count} images are {was}, and the model takes {takes}: they tell"
            " little of what callers' images are like"
        )
    return "; ".join(said) or None


def _sizes(sizes: Sequence[tuple[int, ...]]) -> str:
    """Return the smallest and the largest of *sizes* (h, w), in words."""
    smallest, largest = min(sizes, key=math.prod), max(sizes, key=math.prod)
    words = [f"{height}x{width}" for height, width in (smallest, largest)]
    return " to ".join(dict.fromkeys(words))


def fingerprint(images: Images) -> str:
    """Return a digest of the shape and the pixels of *images*: blake2b, 40 hex digits."""
    digest = hashlib.blake2b(repr(images.shape).encode(), digest_size=20)
    digest.update(images.tobytes())
    return digest.hexdigest()
