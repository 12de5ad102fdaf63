"""Orientation and transparency of WebP files, in any order of their chunks."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image as Pillow

from app.pictures.decoding import UnreadablePictureError, opened, pixels
from app.pictures.formats.webp import essence
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


@pytest.mark.parametrize("flags", [2, 0x12])
def test_first_frame_that_is_smaller_lies_on_white(flags: int) -> None:
    """What an animation's first frame leaves free is transparent, whatever the file's flag says."""
    grey = encoded(np.full((8, 8, 3), 90, np.uint8), "WEBP", lossless=True)[12:]
    place = b"".join(one.to_bytes(3, "little") for one in (2, 2, 7, 7, 100)) + b"\0"
    frames = chunk(b"ANIM", bytes(6)), chunk(b"ANMF", place + grey)
    body = webp(extended(flags, 16, 16), *frames)
    expected = np.full((16, 16, 1), 255)
    expected[4:12, 4:12] = 90
    assert np.array_equal(expected, pixels(opened(body, max_pixels=10_000), 1))


@pytest.mark.parametrize("sides", [(60, 41), (30, 20)])
def test_still_picture_of_another_size_is_refused(sides: tuple[int, int]) -> None:
    """Where the header and the picture disagree about the size there is none to follow."""
    body = webp(extended(0, *sides), encoded(noise(), "WEBP")[12:])
    with pytest.raises(UnreadablePictureError):
        opened(body, max_pixels=10_000)
