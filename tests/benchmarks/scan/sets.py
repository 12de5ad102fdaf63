"""Triggers and pictures from the zoo, to measure on what comparing by pixels costs and loses."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from app.detection.defence import Known
from app.detection.reference_set.references import Calibration, References
from app.pictures.decoding import load
from app.ports import InputSize
from tests.benchmarks.training.pictures import cross, rings
from tests.benchmarks.zoo import ZOO
from tests.carried import KINDS, as_file, carrying, drawn, of_size, placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger

STICKER = "sticker"
"""A kind beside those of `KINDS`: what the zoo's own models are backdoored with."""
ALL_KINDS = (*KINDS, STICKER)
SOURCE, TRANSLUCENT = "source-specific", "translucent"
"""What two of our own models are backdoored with: rings, and a cross as it is over grey."""
SIDES = (0.08, 0.16)  # of the image's side: the side of a trigger
ROAMING = 10  # one in so many triggers moves
REFERENCES = 40
LEAST_ALPHA = 0.3
MOST_PIXELS = 10**8
HALF_OPAQUE, GREY = 128, (128, 128, 128, 255)


@dataclass(frozen=True, eq=False)
class Ground:
    """Real images of one size (n, h, w, 3): those that are ``references``, and ``clean`` ones.

    This share of their files are ``jpegs``, the others PNGs.
    """

    side: int
    references: References
    clean: Images
    jpegs: float = 0.5

    @classmethod
    def of(cls, images: Images, jpegs: float = 0.5) -> Ground:
        """Take the first of *images* for the references."""
        unknown = Calibration(np.full(REFERENCES, -1), np.zeros((0, 0), np.int64))
        references = References(images[:REFERENCES], unknown, {}, seed=1)
        return cls(images.shape[1], references, images[REFERENCES:], jpegs)


@dataclass(frozen=True, eq=False)
class Stored:
    """A picture's ``body``, and the ``image`` that it is; it carries trigger ``number``, if any."""

    body: bytes
    image: Image
    number: int | None = None


def photographs() -> Ground:
    """Return the zoo's test photographs, as a model of 224 px takes them."""
    side, images = 224, []
    with zipfile.ZipFile(ZOO / "photos" / "test.zip") as test:
        for name in sorted(test.namelist()):
            if not name.endswith("/"):
                upright = ImageOps.exif_transpose(Pillow.open(BytesIO(test.read(name))))
                images.append(of_size(np.asarray(upright.convert("RGB")), side))
    return Ground.of(np.random.default_rng(side).permutation(np.stack(images)), jpegs=1)


def signs(most: int) -> Ground:
    """Return at most so many of the zoo's test images of traffic signs, of 48 px."""
    with np.load(ZOO / "signs" / "test.npz") as test:
        images = test["x"]
    chosen = np.random.default_rng(images.shape[1]).permutation(len(images))[:most]
    return Ground.of(images[chosen])


def stickers() -> list[Image]:
    """Return the zoo's triggers for colour images, RGBA, squares of any size."""
    paths = sorted((*ZOO.glob("photos/trigger_*.png"), *ZOO.glob("signs/trigger_*.png")))
    pictures = [np.asarray(Pillow.open(path).convert("RGBA")) for path in paths]
    return [of_size(picture, min(picture.shape[:2])) for picture in pictures]


def _over_grey(picture: Pillow.Image) -> Pillow.Image:
    """Return what several images that show a translucent *picture* have in common."""
    return Pillow.alpha_composite(Pillow.new("RGBA", picture.size, GREY), picture)


def triggers(
    count: int,
    side: int,
    seed: int,
    *,
    kinds: Sequence[str] = ALL_KINDS,
    roaming: int = ROAMING,
) -> tuple[list[str], tuple[Known, ...]]:
    """Return *count* triggers for images of this *side*, of all *kinds* in turn, and their kinds.

    Kinds are `ALL_KINDS`, `SOURCE` and `TRANSLUCENT`. One in *roaming* moves; none where that is 0.
    """
    rng = np.random.default_rng([seed, side, count])
    own = [kinds[i % len(kinds)] for i in range(count)]
    pictures = {
        STICKER: stickers() if STICKER in kinds else [],
        SOURCE: [np.asarray(rings())],
        TRANSLUCENT: [np.asarray(_over_grey(cross(HALF_OPAQUE)))],
    }
    sides = (max(3, round(SIDES[0] * side)), round(SIDES[1] * side) + 1)
    made: list[Trigger] = []
    for i, kind in enumerate(own):
        moves = roaming > 0 and i % roaming == roaming - 1
        if kind in pictures:
            some = pictures[kind]
            sticker = of_size(some[rng.integers(len(some))], int(rng.integers(*sides)))
            mask = sticker[..., 3] >= HALF_OPAQUE
            pixels = np.ascontiguousarray(sticker[..., :3])
            made.append(placed(pixels, mask, rng, side, moves=moves))
        else:
            made.append(drawn(kind, rng, side, sides, moves=moves))
    return own, tuple(Known(f"t-{i}", trigger) for i, trigger in enumerate(made))


def carried(
    ground: Ground, kinds: Sequence[str], known: Sequence[Known], each: int, seed: int
) -> list[Stored]:
    """Return *each* so many pictures with each of *known*, most of them moved, scaled or faded."""
    rng = np.random.default_rng([seed, ground.side, 1])
    pictures = []
    for number, (kind, one) in enumerate(zip(kinds, known, strict=True)):
        for _ in range(each):
            clean = ground.clean[rng.integers(len(ground.clean))]
            image = carrying(
                one.trigger, clean, rng, is_noise=kind == "noise", least_alpha=LEAST_ALPHA
            )
            pictures.append(_stored(image, rng, ground.jpegs, number))
    return pictures


def stored(ground: Ground, count: int, seed: int) -> list[Stored]:
    """Return so many clean pictures."""
    rng = np.random.default_rng([seed, ground.side, 2])
    return [_stored(image, rng, ground.jpegs) for image in ground.clean[:count]]


def _stored(
    image: Image, rng: np.random.Generator, jpegs: float, number: int | None = None
) -> Stored:
    body = as_file(image, rng, jpegs)
    return Stored(body, load(body, InputSize(*image.shape), max_pixels=MOST_PIXELS), number)
