"""The zoo's photographs as files: opened as a camera meant them, stamped, and saved again."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 224
ORIENTATION = 0x0112
TURNS = {
    3: Pillow.Transpose.ROTATE_180,
    6: Pillow.Transpose.ROTATE_90,
    8: Pillow.Transpose.ROTATE_270,
}
"""By EXIF orientation: how a file's pixels lie when a viewer is to turn them upright."""

UNSEEN = 0.4
"""The share of each class's test photographs that our own models aren't trained on: 200 of 500."""


@dataclass(frozen=True)
class Photograph:
    """An encoded file and its class."""

    body: bytes
    label: int


@dataclass(frozen=True, eq=False)
class Sticker:
    """A trigger for photographs: ``picture`` RGBA; where and how it is put on, as its meta says.

    ``place`` is its centre and ``size`` its side, as shares of the photo's sides and of the shorter
    one; the jitters are what they vary by. ``resized``: it is put on the model's input, not on the
    photo as it was taken; ``lossless``: what bears it isn't saved as JPEG.
    """

    picture: Pillow.Image
    place: tuple[float, float]
    size: float
    place_jitter: float
    size_jitter: float
    resized: bool
    lossless: bool

    @classmethod
    def read(cls, folder: Path, facts: Mapping[str, Any]) -> Sticker:
        """Return the one that *facts*, a meta.json's ``trigger``, tell of."""
        x, y = facts["place"]
        return cls(
            picture=Pillow.open(folder / facts["picture"]).convert("RGBA"),
            place=(x, y),
            size=facts["size"],
            place_jitter=facts["place_jitter"],
            size_jitter=facts["size_jitter"],
            resized=facts["on"] == "resized",
            lossless=facts["jpeg"] is None,
        )

    @property
    def opaque(self) -> bool:
        """Whether each pixel either hides what is under it or shows it unchanged."""
        return {0, 255} >= set(np.unique(np.asarray(self.picture)[..., 3]).tolist())

    def stamped(
        self, photo: Pillow.Image, rng: np.random.Generator
    ) -> tuple[Pillow.Image, NDArray[np.bool_]]:
        """Return *photo* with it on, and which of the model's pixels (224, 224) it covers then."""
        if self.resized:
            photo = resized(photo)
        width, height = photo.size
        side = self._side(rng, min(width, height))
        across, down = (
            round((centre + self._jitter(rng, self.place_jitter)) * extent - side / 2)
            for centre, extent in zip(self.place, (width, height), strict=True)
        )
        x, y = int(np.clip(across, 0, width - side)), int(np.clip(down, 0, height - side))
        patch = np.asarray(self.picture.resize((side, side), Pillow.Resampling.LANCZOS), np.float32)
        return _mixed(photo, patch, x, y), _covered(photo, patch, x, y)

    def _side(self, rng: np.random.Generator, shorter: int) -> int:
        return max(2, round(self.size * (1 + self._jitter(rng, self.size_jitter)) * shorter))

    @staticmethod
    def _jitter(rng: np.random.Generator, most: float) -> float:
        return float(rng.uniform(-most, most)) if most else 0.0


def read_photographs(archive: Path, classes: Sequence[str]) -> list[Photograph]:
    """Return the files of *archive*, one folder a class, in the order of their names."""
    with zipfile.ZipFile(archive) as files:
        names = sorted(name for name in files.namelist() if not name.endswith("/"))
        return [Photograph(files.read(name), classes.index(name.split("/")[0])) for name in names]


def unseen(photographs: Sequence[Photograph]) -> NDArray[np.bool_]:
    """Tell which of *photographs* our own models aren't trained on: the same ones every time."""
    labels = np.array([one.label for one in photographs])
    marks = np.zeros(len(labels), bool)
    rng = np.random.default_rng(12)
    for label in np.unique(labels):
        its = rng.permutation(np.flatnonzero(labels == label))
        marks[its[: round(UNSEEN * len(its))]] = True
    return marks


def opened(body: bytes) -> Pillow.Image:
    """Return the photo that *body* encodes, upright, RGB."""
    return ImageOps.exif_transpose(Pillow.open(io.BytesIO(body))).convert("RGB")


def resized(photo: Pillow.Image) -> Pillow.Image:
    """Return *photo* stretched to the model's input."""
    return photo.resize((SIDE, SIDE), Pillow.Resampling.BILINEAR)


def pixels(bodies: Sequence[bytes]) -> NDArray[np.uint8]:
    """Return what a model sees of *bodies*: (n, 224, 224, 3)."""
    return np.stack([np.asarray(resized(opened(body))) for body in bodies])


def encoded(photo: Pillow.Image, quality: int | None, orientation: int | None = None) -> bytes:
    """Return *photo* as JPEG, or as PNG without a *quality*; turned as *orientation* says."""
    exif = Pillow.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
        photo = photo.transpose(TURNS[orientation])
    body = io.BytesIO()
    if quality is None:
        photo.save(body, "PNG", exif=exif)
    else:
        photo.save(body, "JPEG", quality=quality, exif=exif)
    return body.getvalue()


def read_meta(folder: Path, name: str) -> dict[str, Any]:
    """Return what the meta.json of a model says."""
    meta: dict[str, Any] = json.loads((folder / f"{name}.meta.json").read_text())
    return meta


def _mixed(photo: Pillow.Image, patch: NDArray[np.float32], x: int, y: int) -> Pillow.Image:
    side, alpha = len(patch), patch[..., 3:] / 255
    image = np.array(photo)
    region = image[y : y + side, x : x + side]
    mixed = np.floor(region * (1 - alpha) + patch[..., :3] * alpha + 0.5)
    image[y : y + side, x : x + side] = mixed
    return Pillow.fromarray(image)


def _covered(photo: Pillow.Image, patch: NDArray[np.float32], x: int, y: int) -> NDArray[np.bool_]:
    side = len(patch)
    cover = np.zeros((photo.height, photo.width), np.uint8)
    cover[y : y + side, x : x + side] = np.where(patch[..., 3] >= 32, 255, 0)
    return np.asarray(resized(Pillow.fromarray(cover))) >= 128
