"""EXIF in a PNG: in its own chunk, or in texts as ImageMagick writes them."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from app.pictures.formats.png import essence
from tests.files import encoded, noise, png_chunk

TIFF = b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0)
EXIF = b"Exif\0\0" + TIFF


def text(data: bytes, name: bytes = b"exif") -> bytes:
    """Return a profile as its digits."""
    digits = data.hex().encode()
    lines = b"\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    return b"\n%b\n%8d\n%b\n" % (name, len(data), lines)


def chunk(kind: bytes, data: bytes, name: bytes = b"exif") -> bytes:
    """Return a text chunk with a raw profile of this *name*."""
    told, words = b"Raw profile type " + name + b"\0", text(data, name)
    if kind == b"zTXt":
        return png_chunk(kind, told + b"\0" + zlib.compress(words))
    if kind == b"iTXt":
        return png_chunk(kind, told + b"\1\0en\0\0" + zlib.compress(words))
    return png_chunk(kind, told + words)


def told(*chunks: bytes, late: bool = False) -> int:
    """Return the orientation of a PNG with these *chunks*, before its pixels or behind them."""
    body = encoded(np.asarray(noise()))
    at = body.index(b"IEND" if late else b"IDAT") - 4
    return essence(body[:at] + b"".join(chunks) + body[at:]).orientation


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
@pytest.mark.parametrize("name", [b"exif", b"APP1"])
def test_orientation_in_a_text(kind: bytes, name: bytes, late: bool) -> None:  # noqa: FBT001
    """ImageMagick's profiles turn the picture, packed or not, before the pixels or behind them."""
    assert 6 == told(chunk(kind, EXIF, name), late=late)


@pytest.mark.parametrize("late", [False, True])
def test_own_chunk_goes_before_texts(late: bool) -> None:  # noqa: FBT001
    """The specification's place is eXIf: it counts wherever it lies, in any order."""
    upright = TIFF[:-3] + b"\1\0\0"
    own = png_chunk(b"eXIf", upright)
    assert 1 == told(own, chunk(b"zTXt", EXIF), late=late)
    assert 1 == told(chunk(b"zTXt", EXIF), own, late=late)
    assert 6 == told(png_chunk(b"eXIf", TIFF), late=late)


def test_xmp_under_a_profiles_name_is_passed_over() -> None:
    """An APP1 profile may be XMP: it says nothing, and the next one is read."""
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x/>"
    assert 1 == told(chunk(b"tEXt", xmp, b"APP1"))
    assert 6 == told(chunk(b"tEXt", xmp, b"APP1"), chunk(b"tEXt", EXIF))


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\0\0nothing packed", b"\0" + text(EXIF)[:20], b"\0\nexif\n 9\nzz"]
)
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_broken_profile_says_nothing(kind: bytes, content: bytes) -> None:
    """A text that isn't what its name says leaves the picture upright."""
    assert 1 == told(png_chunk(kind, b"Raw profile type exif" + content))


def test_profile_that_unpacks_to_megabytes_costs_no_more_than_its_beginning() -> None:
    """A bomb under a profile's name is unpacked as far as EXIF data may go, a few times at most."""
    packed = zlib.compress(text(EXIF + bytes(20_000_000)), 9)
    bomb = png_chunk(b"zTXt", b"Raw profile type exif\0\0" + packed)
    body = encoded(noise())
    file = body[:33] + 20 * bomb + body[33:]
    tracemalloc.start()
    try:
        assert 6 == essence(file).orientation
        assert tracemalloc.get_traced_memory()[1] < 2_500_000
    finally:
        tracemalloc.stop()


def test_exif_with_a_wrong_checksum_says_nothing() -> None:
    """What is broken is passed over, and the next one is read."""
    own = png_chunk(b"eXIf", TIFF)
    broken = own[:-1] + bytes((own[-1] ^ 1,))
    assert 1 == told(broken)
    assert 6 == told(broken, own)
    assert 6 == told(broken, chunk(b"tEXt", EXIF))
