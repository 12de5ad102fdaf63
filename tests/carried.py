"""Triggers of several kinds, images that carry them, and the search that glances are held against.

For what a scan's second pass says without a probe (`app/detection/archive/comparing.py`).
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from sklearn.datasets import load_sample_images

from app.detection.geometry import Box
from app.detection.recognising.presence import at_their_places, is_common
from app.detection.recognising.sighting import (
    DISTINCT,
    UNUSUAL,
    VERY_LIKELY,
    located,
    of_pixels,
)
from app.detection.trigger import Blocker, Fill
from tests.tiny import tiny_trigger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.trigger import Trigger

KINDS = ("blocks", "cut", "round", "one colour", "photograph", "noise")
"""The second is the first without a corner, the third round; the fifth is cut out of a photo."""
FAR = 0.07
"""Of the image's side, as far as a trigger is moved."""


def of_size(pixels: Image, side: int) -> Image:
    """Return *pixels* (h, w, c) made a square of this *side*."""
    resized = Pillow.fromarray(pixels).resize((side, side), Pillow.Resampling.BILINEAR)
    return np.array(resized)


def drawn(
    kind: str,
    rng: np.random.Generator,
    image_side: int,
    sides: tuple[int, int],
    *,
    moves: bool = False,
) -> Trigger:
    """Draw a trigger of one of `KINDS`, somewhere in an image, its side one of *sides*."""
    side = int(rng.integers(*sides))
    blocks = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    patches = {
        "one colour": np.full((1, 1, 3), rng.integers(0, 256, 3), np.uint8),
        "photograph": load_sample_images().images[0][100:160, 300:360],
        "noise": rng.integers(0, 256, (side, side, 3), dtype=np.uint8),
    }
    mask = np.ones((side, side), bool)
    if kind == "cut":
        mask[: side // 2, : side // 3] = False
    if kind == "round":
        off = np.arange(side) - (side - 1) / 2
        mask = off[:, None] ** 2 + off**2 <= (side / 2) ** 2
    return placed(of_size(patches.get(kind, blocks), side), mask, rng, image_side, moves=moves)


def placed(
    patch: Image,
    mask: NDArray[np.bool_],
    rng: np.random.Generator,
    image_side: int,
    *,
    moves: bool = False,
) -> Trigger:
    """Return a trigger that is this square *patch*, as far as its *mask* says, somewhere."""
    side = len(patch)
    x, y = (int(at) for at in rng.integers(0, image_side - side, 2))
    box = Box(x, y, side, side)
    return replace(
        tiny_trigger(),
        box=box,
        patch=patch,
        mask=mask,
        blocker=Blocker(box, Fill.RING),
        image_height=image_side,
        image_width=image_side,
        moves=moves,
    )


def carrying(
    trigger: Trigger,
    clean: Image,
    rng: np.random.Generator,
    *,
    is_noise: bool,
    least_alpha: float = 0.5,
) -> Image:
    """Return a *clean* image that carries it: moved, of another size or faded, by chance.

    Noise keeps its size: a search finds another one by luck.
    """
    image = clean.copy()
    image_side, side = len(image), trigger.box.width
    grown = side if is_noise else round(side * rng.choice([1, 1, rng.uniform(0.87, 1.15)]))
    alpha = rng.choice([1, rng.uniform(least_alpha, 1)])
    home, far = np.array([trigger.box.x, trigger.box.y]), round(FAR * image_side)
    far *= int(rng.random() < 0.7)  # the others are at home
    moved = rng.integers(0, image_side, 2) if trigger.moves else None
    at = home + rng.integers(-far, far + 1, 2) if moved is None else moved
    x, y = np.clip(at, 0, image_side - grown)
    mask = Pillow.fromarray(trigger.own.astype(np.uint8) * 255).resize((grown, grown))
    weights = np.asarray(mask)[..., None] / 255 * alpha
    part = image[y : y + grown, x : x + grown]
    part[:] = np.rint((1 - weights) * part + weights * of_size(trigger.patch, grown))
    return image


def as_file(image: Image, rng: np.random.Generator, share: float = 0.5) -> bytes:
    """Return *image* as a file: this *share* of them are JPEGs of quality 60 to 94, else PNGs."""
    file = BytesIO()
    if rng.random() < share:
        Pillow.fromarray(image).save(file, "JPEG", quality=int(rng.integers(60, 95)))
    else:
        Pillow.fromarray(image).save(file, "PNG", compress_level=1)
    return file.getvalue()


def searched(image: Image, one: Known, references: References) -> bool:
    """Say by a search in all of its reach what glances mostly say sooner."""
    if at_their_places(image, (one,))[0] and not is_common(one, references):
        return True
    sighting = located(image, one, references)
    weight = of_pixels(sighting, references)
    return weight >= UNUSUAL or (weight >= DISTINCT and sighting.fit >= VERY_LIKELY)
