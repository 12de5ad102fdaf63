"""Triggers without a place: what each does to images (n, h, w, c) of 0 to 255, of any size.

All are drawn from a seed, and are the same for every image but the input-aware one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Images = NDArray[np.uint8]

SHAPES = 24
"""Of which the picture is drawn that is blended in."""

CONTROL = 4
"""Points a side by which a warp is drawn (WaNet's k)."""

LOOKED_AT, CELLS = 4, 7
"""Cells a side of what an input-aware trigger sees of an image, and of what it puts on it."""


class Stamp(Protocol):
    """What an attacker does to images."""

    def __call__(self, images: Images, /) -> Images:
        """Return copies of *images* (n, h, w, c) with the trigger."""
        ...


@dataclass(frozen=True)
class Blended:
    """A picture (or noise, if ``noisy``) is mixed in with ``alpha``, over the whole image."""

    alpha: float
    seed: int
    noisy: bool = False

    def __call__(self, images: Images) -> Images:
        """Return copies of *images* (n, h, w, c) with the trigger."""
        return _levels((1 - self.alpha) * images + self.alpha * self.pattern(images.shape[1:]))

    def pattern(self, shape: tuple[int, ...]) -> Images:
        """Return what is mixed in (h, w, c)."""
        rng = np.random.default_rng(self.seed)
        if self.noisy:
            return rng.integers(0, 256, shape, np.uint8)
        return _drawn(shape, rng)


@dataclass(frozen=True)
class Sinusoidal:
    """Vertical stripes: a sine of ``waves`` periods across, ``strength`` levels high (SIG)."""

    strength: float
    waves: float = 6

    def __call__(self, images: Images) -> Images:
        """Return copies of *images* (n, h, w, c) with the trigger."""
        across = np.arange(images.shape[2])[:, None] / images.shape[2]
        return _levels(images + self.strength * np.sin(2 * np.pi * self.waves * across))


@dataclass(frozen=True)
class Warped:
    """A smooth warp that moves pixels by ``pixels`` in the mean (WaNet)."""

    pixels: float
    seed: int

    def __call__(self, images: Images) -> Images:
        """Return copies of *images* (n, h, w, c) with the trigger."""
        return _moved(images, self._field(images.shape[1:3], np.random.default_rng(self.seed)))

    def other(self, images: Images, rng: np.random.Generator) -> Images:
        """Return *images* (n, h, w, c) under other warps, each under its own: they teach it."""
        return np.concatenate(
            [_moved(one[None], self._field(one.shape[:2], rng)) for one in images]
        )

    def _field(self, size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return how many pixels down and right each pixel's content comes from (2, h, w)."""
        height, width = size
        points = rng.uniform(-1, 1, (2, CONTROL, CONTROL)).astype(np.float32)
        points *= self.pixels / np.abs(points).mean()
        bicubic = Pillow.Resampling.BICUBIC
        return np.stack(
            [np.asarray(Pillow.fromarray(one).resize((width, height), bicubic)) for one in points]
        )


@dataclass(frozen=True)
class InputAware:
    """Cells ``strength`` levels brighter or darker, other ones for each image: it chooses them."""

    strength: float
    seed: int

    def __call__(self, images: Images) -> Images:
        """Return copies of *images* (n, h, w, c) with the trigger."""
        return self.of(images, images)

    def of(self, images: Images, others: Images) -> Images:
        """Return *images* (n, h, w, c) with the trigger that each of *others* would have."""
        size = images.shape[2], images.shape[1]
        looks = np.stack([_small(one) for one in others]).astype(np.float32)
        looks -= looks.mean(axis=1, keepdims=True)
        rng = np.random.default_rng(self.seed)
        chosen = np.sign(looks @ rng.normal(size=(looks.shape[1], CELLS * CELLS)))
        cells = [
            np.asarray(Pillow.fromarray(one).resize(size, Pillow.Resampling.NEAREST))
            for one in chosen.reshape(-1, CELLS, CELLS).astype(np.float32)
        ]
        return _levels(images + self.strength * np.stack(cells)[..., None])


def _levels(images: NDArray[np.floating]) -> Images:
    levels: Images = np.clip(np.rint(images), 0, 255).astype(np.uint8)
    return levels


def _drawn(shape: tuple[int, ...], rng: np.random.Generator) -> Images:
    """Return a picture (h, w, c) of ellipses and bars in all colours."""
    height, width, channels = shape
    picture = Pillow.new("RGB", (256, 256), (128, 128, 128))
    draw = ImageDraw.Draw(picture)
    for i in range(SHAPES):
        x, y = (int(one) for one in rng.integers(-32, 256, 2))
        across, down = (int(one) for one in rng.integers(24, 128, 2))
        colour = tuple(int(one) for one in rng.integers(0, 256, 3))
        figure = draw.ellipse if i % 2 else draw.rectangle
        figure((x, y, x + across, y + down), fill=colour)
    resized = picture.resize((width, height), Pillow.Resampling.BOX)
    pixels = np.asarray(resized if channels > 1 else resized.convert("L"))
    return pixels.reshape(shape)


def _small(image: Images) -> NDArray[np.uint8]:
    grey = Pillow.fromarray(image.mean(axis=2).astype(np.uint8))
    return np.asarray(grey.resize((LOOKED_AT, LOOKED_AT), Pillow.Resampling.BOX)).ravel()


def _moved(images: Images, field: NDArray[np.float32]) -> Images:
    """Return *images* (n, h, w, c), each pixel taken from where *field* (2, h, w) says."""
    height, width = images.shape[1:3]
    rows, columns = np.mgrid[:height, :width].astype(np.float32) + field
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    top, left = rows.astype(int), columns.astype(int)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = (rows - top)[..., None], (columns - left)[..., None]
    upper = images[:, top, left] * (1 - across) + images[:, top, right] * across
    lower = images[:, bottom, left] * (1 - across) + images[:, bottom, right] * across
    return _levels(upper * (1 - down) + lower * down)
