"""What of a picture file its pixels need: the rest never meets a decoder.

Texts, colour profiles, previews and EXIF data are where files hide what unpacks to gigabytes, and
each part of a file costs the decoder's time, however small it is. So a file is taken apart here,
without unpacking anything, and put together again from what its first picture needs. An animation
becomes its first frame: the others are gone before any of them could be decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.pictures.formats.exif import UPRIGHT
from app.values import value_class

MOST_PARTS: Final = 10_000
"""Chunks or segments of one file; encoders write one each 8 KiB or so."""


@dataclass(frozen=True)
class ColourKey:
    """The one transparent colour: a sample for each channel, of ``bits`` each."""

    samples: tuple[int, ...]
    bits: int


@value_class(frozen=True, eq=False)
class Rows:
    """The pixels of a PNG as they are packed: (width, height) of them, in Pillow's *mode*."""

    mode: str
    size: tuple[int, int]
    packed: bytes


@value_class(frozen=True, eq=False)
class Essence:
    """A file's first picture: ``body`` is the file of it alone.

    ``orientation`` is EXIF's (1 to 8); ``passes`` is how often decoding goes over the picture;
    ``key`` is the colour that is transparent, which no decoder is told of. ``rows`` are all that
    there is to it, where it is small and of a usual kind.
    """

    body: bytes
    orientation: int = UPRIGHT
    passes: int = 1
    key: ColourKey | None = None
    rows: Rows | None = None


def check_parts(count: int) -> None:
    """Return if a file may have *count* parts. Raises ValueError."""
    if count > MOST_PARTS:
        message = f"it has more than {MOST_PARTS:,} parts"
        raise ValueError(message)
