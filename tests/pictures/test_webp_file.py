"""Orientation and transparency of WebP files, in any order of their chunks."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image as Pillow

from app.pictures.decoding import opened, pixels
from app.pictures.webp_file import essence
from tests.files import encoded, noise, saved

TIFF = b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0)


def chunk(name: bytes, content: bytes) -> bytes:
    """Return one chunk."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def webp(*chunks: bytes) -> bytes:
    """Return a file of *chunks*."""
    whole = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def extended(flags: int, width: int = 60, height: int = 40) -> bytes:
    """Return the chunk of an extended file of this size."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides)


@pytest.mark.parametrize("flags", [0, 8])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_orientation_before_and_behind_the_picture(flags: int, prefix: bytes) -> None:
    """EXIF is read wherever it lies, with JPEG's prefix or without, whatever the flag says."""
    picture, exif = encoded(noise(), "WEBP")[12:], chunk(b"EXIF", prefix + TIFF)
    xmp = chunk(b"XMP ", b"<x/>")
    for parts in ([picture, exif], [exif, picture], [picture, xmp, exif]):
        assert 6 == essence(webp(extended(flags), *parts)).orientation


def test_simple_file_has_no_exif() -> None:
    """A file without the extended header is its picture alone; what follows a file is no part."""
    body = encoded(noise(), "WEBP")
    assert 1 == essence(webp(body[12:], chunk(b"EXIF", TIFF))).orientation
    assert 1 == essence(webp(extended(8), body[12:]) + chunk(b"EXIF", TIFF)).orientation


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("flags", [0, 0x10])
def test_transparency_is_the_pixels_own(lossless: bool, flags: int) -> None:  # noqa: FBT001
    """Transparent pixels lie on white also where the file's flag forgets them."""
    clear = Pillow.new("RGBA", (60, 40), (0, 0, 0, 0))
    body = saved(clear, "WEBP", lossless=lossless, exact=True)
    chunks = body[12:] if lossless else body[body.index(b"ALPH") :]
    chunks = chunks[18:] if chunks.startswith(b"VP8X") else chunks
    found = pixels(opened(webp(extended(flags), chunks), max_pixels=10_000), 1)
    assert np.array_equal(np.full((40, 60, 1), 255), found)
