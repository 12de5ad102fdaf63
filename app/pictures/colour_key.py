"""Where a picture has the one colour that is transparent (PNG's tRNS).

Pillow compares it with samples that it has scaled or cut to 8 bits: then other colours are
transparent, or none is.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import ImageFile

    from app.pictures.formats.essence import ColourKey

_DEEP = 16
_LOW_BYTES = "RGB;16L"
"""Read so, big-endian samples of 16 bits give their low bytes, else their high ones."""


@dataclass(frozen=True, eq=False)
class Transparency:
    """The transparent colour of the picture in ``body``, a PNG."""

    key: ColourKey
    body: bytes

    def mask(self, picture: Pillow.Image) -> Pillow.Image:
        """Return where the decoded *picture* has it (255, else 0), all bits compared."""
        key = self.key
        if key.bits < _DEEP:
            samples = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
            scaled = [one * 255 // (2**key.bits - 1) for one in key.samples]
            return _mask(samples, scaled)
        if len(key.samples) == 1:
            return _mask(np.asarray(picture), key.samples)
        samples = np.asarray(picture).astype(np.uint16)
        samples <<= 8
        samples |= np.asarray(self._low())
        return _mask(samples, key.samples)

    def _low(self) -> Pillow.Image:
        picture: ImageFile.ImageFile = Pillow.open(BytesIO(self.body), formats=["PNG"])
        picture.tile = [tile._replace(args=_LOW_BYTES) for tile in picture.tile]
        return picture


def _mask(samples: NDArray[Any], colour: Sequence[int]) -> Pillow.Image:
    channels = [samples] if len(colour) == 1 else np.moveaxis(samples, 2, 0)
    same = [one == samples.dtype.type(told) for one, told in zip(channels, colour, strict=True)]
    return Pillow.fromarray(np.logical_and.reduce(same).astype(np.uint8) * 255)
