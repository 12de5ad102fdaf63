"""Files made to cost much: each is refused or decoded for what its first picture costs."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow

from app.pictures.decoding import (
    PictureTooLargeError,
    UnreadablePictureError,
    UnsupportedFormatError,
    opened,
    pixels,
)
from app.pictures.formats import jpeg, png, webp
from app.pictures.formats.exif import UPRIGHT, orientation
from tests.files import animated, encoded, noise, png_chunk, png_with, saved

if TYPE_CHECKING:
    from app.detection.search import Image

LIMIT = 1_000_000
GREY = np.full((8, 8), 90, np.uint8)
ROWS = zlib.compress(b"".join(b"\0" + row.tobytes() for row in GREY))
MEGABYTES = zlib.compress(bytes(50_000_000), 9)


def decode(body: bytes, limit: int = LIMIT) -> Image:
    """Return the picture in *body* at its own size."""
    return pixels(opened(body, max_pixels=limit), 1)


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"iCCP", b"profile\0\0" + MEGABYTES),
        png_chunk(b"zTXt", b"text\0\0" + MEGABYTES),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + MEGABYTES),
        200 * png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(1_000_000))),
        200 * png_chunk(b"zTXt", b"text\0\0" + zlib.compress(bytes(1_000_000))),
        png_chunk(b"eXIf", bytes(3_000_000)),
    ],
    ids=["iCCP", "zTXt", "iTXt", "many iCCP", "many zTXt", "eXIf"],
)
def test_what_a_png_hides_in_its_chunks_is_not_unpacked(chunk: bytes) -> None:
    """Profiles and texts that unpack to many megabytes cost no memory: nobody unpacks them."""
    body = png_with(ROWS, 8, 8, chunk)
    tracemalloc.start()
    try:
        assert np.array_equal(GREY, decode(body)[:, :, 0])
        assert tracemalloc.get_traced_memory()[1] < 1_000_000 + 2 * len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [b"abCd", b"IDAT", b"tRNS"])
def test_png_of_very_many_chunks_is_refused(name: bytes) -> None:
    """A PNG of more chunks than any encoder writes is refused before they are read."""
    with pytest.raises(UnreadablePictureError, match="more than 10,000 parts"):
        opened(png_with(ROWS, 8, 8, 100_000 * png_chunk(name, b"")), max_pixels=LIMIT)


@pytest.mark.parametrize("filler", [b"\xff\xfe\0\2", b"\xff\xd0"])
def test_jpeg_of_very_many_segments_is_refused(filler: bytes) -> None:
    """A JPEG of hardly anything but empty segments is refused before they are read."""
    body = encoded(noise(), "JPEG")
    with pytest.raises(UnreadablePictureError, match="more than 10,000 parts"):
        opened(body[:2] + 100_000 * filler + body[2:], max_pixels=LIMIT)


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\0"])
def test_what_lies_between_a_jpegs_segments_is_passed_over(filler: bytes) -> None:
    """A million bytes that are no segments cost next to nothing, and no decoder sees them."""
    body = encoded(noise(), "JPEG")
    loaded = body[:2] + 1_000_000 * filler + body[2:]
    assert jpeg.essence(body).body == jpeg.essence(loaded).body


def test_webp_of_very_many_chunks_is_refused() -> None:
    """A WebP of hardly anything but empty chunks is refused before they are read."""
    body = encoded(noise(), "WEBP") + 100_000 * b"none\0\0\0\0"
    body = body[:4] + struct.pack("<I", len(body) - 8) + body[8:]
    with pytest.raises(UnreadablePictureError, match="more than 10,000 parts"):
        opened(body, max_pixels=LIMIT)


def test_apng_keeps_nothing_of_its_other_frames() -> None:
    """What a decoder sees of an animated PNG doesn't grow with the number of frames."""
    few, many = (png.essence(animated("PNG", frames)).body for frames in (2, 9))
    assert few == many
    assert b"fdAT" not in many
    assert b"acTL" not in many


def test_animated_webp_keeps_nothing_of_its_other_frames() -> None:
    """What a decoder sees of an animated WebP doesn't grow with the number of frames."""
    few, many = (webp.essence(animated("WEBP", frames)).body for frames in (2, 9))
    assert few == many
    assert 1 == many.count(b"ANMF")


def test_pixel_limit_counts_for_animations() -> None:
    """An animation whose canvas has too many pixels is refused, however small its frames."""
    body = bytearray(animated("WEBP"))
    body[24:30] = 2 * (1999).to_bytes(3, "little")
    for file in (bytes(body), animated("PNG")):
        with pytest.raises(PictureTooLargeError):
            opened(file, max_pixels=2000)


def test_first_frame_that_is_a_part_of_the_canvas() -> None:
    """A first frame smaller than the canvas lies where it says, and white is around it."""
    frames = [Pillow.new("RGBA", (8, 8), "black"), Pillow.new("RGBA", (8, 8), "red")]
    body = bytearray(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    body[20] |= 0x10  # transparent where there is nothing
    body[24:30] = 2 * (15).to_bytes(3, "little")  # the canvas: 16 x 16
    place = body.index(b"ANMF") + 8
    body[place : place + 6] = 2 * (2).to_bytes(3, "little")  # in units of two pixels
    expected = np.full((16, 16), 255)
    expected[4:12, 4:12] = 0
    assert np.array_equal(expected, decode(bytes(body))[:, :, 0])


def _refined(times: int, side: int = 64) -> bytes:
    """Return a progressive JPEG whose last scan is there so many times more."""
    flat = np.full((side, side, 3), (9, 200, 30), np.uint8)
    body = encoded(flat, "JPEG", progressive=True)
    last = body[body.rfind(b"\xff\xc4") : -2]
    return body[:-2] + times * last + body[-2:]


def test_ordinary_progressive_jpeg_of_the_largest_size_is_taken() -> None:
    """What encoders write is taken up to the last pixel."""
    body = _refined(0)
    assert 10 == jpeg.essence(body).passes
    assert (64, 64, 1) == decode(body, 64 * 64).shape


@pytest.mark.parametrize(("times", "limit"), [(11, 64 * 64), (91, LIMIT)])
def test_jpeg_refined_too_often_is_refused(times: int, limit: int) -> None:
    """A JPEG is refused by its number of scans, which may be larger where the picture is small."""
    assert (64, 64, 1) == decode(_refined(times - 1), limit).shape
    with pytest.raises(UnreadablePictureError, match=f"too many scans for its size: {times + 10}"):
        opened(_refined(times), max_pixels=limit)


def test_work_counts_the_passes() -> None:
    """A refined picture is more work than a plain one of its size."""
    plain = opened(encoded(noise(), "JPEG"), max_pixels=LIMIT)
    assert 40 * 60 == plain.work
    assert 64 * 64 * 10 == opened(_refined(0), max_pixels=LIMIT).work


def test_nothing_after_a_jpegs_end_counts() -> None:
    """A film behind a photograph, as phones write it, is no scan and no picture."""
    body = encoded(noise(), "JPEG")
    assert np.array_equal(decode(body), decode(body + 200 * b"\xff\xda"))


def test_previews_and_profiles_of_a_jpeg_are_left_away() -> None:
    """Whatever other segments hold, the pixels are the same and a decoder doesn't see them."""
    body = encoded(noise(), "JPEG")
    segments = b"".join(
        bytes((0xFF, marker)) + struct.pack(">H", 60_002) + 30_000 * b"\xff\xda"
        for marker in (0xE1, 0xE2, 0xED, 0xFE)
    )
    loaded = body[:2] + segments + body[2:]
    assert jpeg.essence(body).body == jpeg.essence(loaded).body
    assert np.array_equal(decode(body), decode(loaded))


@pytest.mark.parametrize(("width", "height"), [(1, 65_536), (65_536, 1)])
def test_very_long_side_is_refused(width: int, height: int) -> None:
    """A million rows of one pixel take longer than a square of as many: no such file is read."""
    with pytest.raises(PictureTooLargeError, match="65,535 a side"):
        opened(png_with(b"", width, height), max_pixels=LIMIT)


@pytest.mark.parametrize(("compression", "bits"), [(1, 8), (2, 4)])
def test_bmp_of_runs_is_refused(compression: int, bits: int) -> None:
    """Runs would be unpacked in Python, byte by byte: 2 s for 17 KB."""
    header = struct.pack("<IiiHHIIiiII", 40, 900, 900, 1, bits, compression, 0, 0, 0, 0, 0)
    body = b"BM" + struct.pack("<IHHI", 2000, 0, 0, 14 + 40 + 1024) + header + bytes(1024 + 4000)
    with pytest.raises(UnsupportedFormatError, match="run lengths is not taken"):
        opened(body, max_pixels=LIMIT)


def _exif(entries: bytes, count: int | None = None, at: int = 8) -> bytes:
    told = len(entries) // 12 if count is None else count
    return b"MM\0*" + struct.pack(">IH", at, told) + entries


SIX = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
HUGE = struct.pack(">HHII", 0x9286, 7, 2**32 - 1, 0)


@pytest.mark.parametrize(
    ("exif", "expected"),
    [
        (_exif(HUGE + SIX), 6),
        (b"Exif\0\0" + _exif(SIX), 6),
        (_exif(900 * HUGE + SIX), 6),
        (_exif(1000 * HUGE + SIX), UPRIGHT),
        (_exif(HUGE, 65_535), UPRIGHT),
        (_exif(SIX, at=2**32 - 1), UPRIGHT),
        (_exif(struct.pack(">HHII", 0x0112, 4, 1, 2**32 - 1)), UPRIGHT),
        (_exif(struct.pack(">HHII", 0x0112, 2, 2**32 - 1, 0)), UPRIGHT),
        (_exif(b""), UPRIGHT),
        (b"MM", UPRIGHT),
        (b"", UPRIGHT),
    ],
)
def test_exif_that_lies(exif: bytes, expected: int) -> None:
    """Entries that point to gigabytes or nowhere are passed over, and at most 1,000 are read."""
    assert expected == orientation(exif)


def test_chunk_that_is_longer_than_its_file() -> None:
    """A length beyond the end of the file ends there: all rows are in it, or it is truncated."""
    body = png_with(ROWS, 8, 8)
    lying = body.replace(struct.pack(">I", len(ROWS)) + b"IDAT", b"\xff\xff\xff\xffIDAT")
    assert np.array_equal(GREY, decode(lying)[:, :, 0])
    with pytest.raises(UnreadablePictureError):
        decode(lying[: lying.index(b"IDAT") + 10])
