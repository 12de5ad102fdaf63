"""Orientation, colours and ends of JPEG files, in any order of their segments."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from app.pictures.decoding import UnreadablePictureError, opened, pixels
from app.pictures.formats.jpeg import essence
from tests.files import encoded, noise

EXIF = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0)
XMP = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0" + 40 * b"0"


def segment(content: bytes, marker: int = 0xE1) -> bytes:
    """Return a segment of *content*."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def before_scan(body: bytes, *segments: bytes) -> bytes:
    """Return *body* with *segments* right before its first scan."""
    at = body.index(b"\xff\xda")
    return body[:at] + b"".join(segments) + body[at:]


@pytest.mark.parametrize(
    "others",
    [
        [],
        [segment(XMP)],
        [segment(XMP), segment(EXTENSION)],
        [segment(b"text", 0xFE), segment(b"ICC_PROFILE\0", 0xE2), segment(XMP)],
        [segment(b"text", 0xFE), b"\xff\xff\xff"],
    ],
    ids=["alone", "XMP", "XMP and its extension", "comment, profile, XMP", "fillers"],
)
def test_orientation_whatever_lies_before_it(others: list[bytes]) -> None:
    """EXIF is found behind other segments, behind other APP1 too, and behind the frame's header."""
    body, before = encoded(noise(), "JPEG"), b"".join(others)
    for told in (
        body[:2] + before + segment(EXIF) + body[2:],
        before_scan(body, before, segment(EXIF)),
    ):
        assert 6 == essence(told).orientation


def test_first_exif_counts_and_no_xmp() -> None:
    """A second EXIF segment says nothing, nor does XMP, nor EXIF within a comment or after it."""
    upright = EXIF[:-3] + b"\1\0\0"
    body = encoded(noise(), "JPEG")
    assert 1 == essence(body[:2] + segment(upright) + segment(EXIF) + body[2:]).orientation
    said = b'http://ns.adobe.com/xap/1.0/\0<d tiff:Orientation="6"/>'
    assert 1 == essence(body[:2] + segment(said) + body[2:]).orientation
    assert 1 == essence(body[:2] + segment(segment(EXIF), 0xFE) + body[2:]).orientation
    assert 1 == essence(body + segment(EXIF)).orientation


@pytest.mark.parametrize("content", [b"\xff\xd9", b"\xff\xda", b"\xff\xd8\xff\xd9", segment(EXIF)])
def test_marker_between_scans_is_no_end(content: bytes) -> None:
    """What a comment between two scans holds ends nothing, and turns nothing: all is decoded."""
    body = encoded(noise(), "JPEG", progressive=True)
    at = body.index(b"\xff\xc4", body.index(b"\xff\xda"))
    told = body[:at] + segment(content, 0xFE) + segment(EXIF) + body[at:]
    assert essence(body).body == essence(told).body
    assert essence(body).passes == essence(told).passes
    assert 1 == essence(told).orientation
    plain, loaded = (pixels(opened(one, max_pixels=10_000), 3) for one in (body, told))
    assert np.array_equal(plain, loaded)


def test_colours_are_those_told_before_the_scans() -> None:
    """Adobe's segment says what the colours are wherever it lies before the scans."""
    body = encoded(noise(), "JPEG", quality=95)
    adobe = segment(b"Adobe\0\x64\0\0\0\0\0", 0xEE)  # RGB, not YCbCr
    bare = body[:2] + body[20:]  # without JFIF, which says YCbCr
    early, late = (
        pixels(opened(one, max_pixels=10_000), 3)
        for one in (bare[:2] + adobe + bare[2:], before_scan(bare, segment(XMP), adobe))
    )
    assert np.array_equal(early, late)
    assert not np.array_equal(early, pixels(opened(bare, max_pixels=10_000), 3))


def test_height_told_behind_the_scan_is_refused() -> None:
    """A frame without a height (its lines are numbered later) is none that is guessed at."""
    body = encoded(noise(), "JPEG")
    at, end = body.index(b"\xff\xc0") + 5, body.index(b"\xff\xd9")
    told = body[:at] + bytes(2) + body[at + 2 : end] + segment(struct.pack(">H", 40), 0xDC)
    with pytest.raises(UnreadablePictureError):
        pixels(opened(told + body[end:], max_pixels=10_000), 3)
