"""A PNG's one transparent colour, in each depth: exactly that colour is laid on white."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from app.pictures.decoding import opened, pixels
from tests.files import png_chunk

GREY, COLOUR = 0, 2


def png(kind: int, bits: int, rows: bytes, *chunks: bytes) -> bytes:
    """Return a PNG of one row, four pixels wide."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, bits, kind, 0, 0, 0))
    picture = png_chunk(b"IDAT", zlib.compress(b"\0" + rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + picture + png_chunk(b"IEND", b"")


def key(*samples: int) -> bytes:
    """Return the chunk that makes a colour transparent."""
    return png_chunk(b"tRNS", struct.pack(f">{len(samples)}H", *samples))


def decoded(body: bytes, channels: int) -> list[list[int]]:
    """Return the pixels of the one row."""
    found: list[list[int]] = pixels(opened(body, max_pixels=100), channels)[0].tolist()
    return found


@pytest.mark.parametrize(
    ("bits", "rows", "transparent", "expected"),
    [
        (1, b"\x50", 0, [255, 255, 255, 255]),
        (1, b"\x50", 1, [0, 255, 0, 255]),
        (2, b"\x1b", 1, [0, 255, 170, 255]),
        (2, b"\x1b", 85, [0, 255, 170, 255]),  # only as many bits count as samples have
        (4, b"\x01\x2f", 2, [0, 17, 255, 255]),
        (8, bytes((0, 1, 2, 200)), 1, [0, 255, 2, 200]),
        (16, struct.pack(">4H", 0, 256, 257, 65_535), 257, [0, 1, 255, 255]),
    ],
)
def test_grey_of_each_depth(bits: int, rows: bytes, transparent: int, expected: list[int]) -> None:
    """The sample is compared as it is stored, with all of its bits."""
    body = png(GREY, bits, rows, key(transparent))
    assert [[one] for one in expected] == decoded(body, 1)
    assert [[one] * 3 for one in expected] == decoded(body, 3)


def test_colour_of_8_bits() -> None:
    """A pixel is transparent if all three samples are the colour's."""
    rows = bytes((1, 2, 3, 1, 2, 4, 9, 9, 9, 3, 2, 1))
    expected = [[255, 255, 255], [1, 2, 4], [9, 9, 9], [3, 2, 1]]
    assert expected == decoded(png(COLOUR, 8, rows, key(1, 2, 3)), 3)


def test_colour_of_16_bits() -> None:
    """The low bytes count too, though they aren't shown."""
    rows = struct.pack(">12H", 257, 514, 771, 256, 514, 771, 257, 514, 770, 0, 0, 0)
    expected = [[255, 255, 255], [1, 2, 3], [1, 2, 3], [0, 0, 0]]
    assert expected == decoded(png(COLOUR, 16, rows, key(257, 514, 771)), 3)


def test_first_of_two_counts_and_none_after_the_pixels() -> None:
    """Where a colour is told twice the first counts; one told too late is none."""
    rows, body = bytes((0, 1, 2, 200)), b""
    body = png(GREY, 8, rows, key(1), key(2))
    assert [[0], [255], [2], [200]] == decoded(body, 1)
    late = png(GREY, 8, rows).replace(png_chunk(b"IEND", b""), key(1) + png_chunk(b"IEND", b""))
    assert [[0], [1], [2], [200]] == decoded(late, 1)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_has_an_alpha_for_each_colour(bits: int) -> None:
    """In a palette any colours may be transparent, in part, too; those not told are opaque."""
    palette = png_chunk(b"PLTE", bytes((10, 20, 30, 0, 0, 0)))
    rows = np.packbits(np.unpackbits(np.array([[0], [1], [0], [1]], np.uint8), axis=1)[:, -bits:])
    body = png(3, bits, rows.tobytes(), palette, png_chunk(b"tRNS", b"\0\x80"))
    white, half = [255] * 3, [127] * 3
    assert [white, half, white, half] == decoded(body, 3)


def test_interlaced_colour_of_16_bits_is_compared_as_well() -> None:
    """Of a picture in passes all pixels are compared."""
    row = np.array([257, 514, 771], ">u2").tobytes()
    header = struct.pack(">IIBBBBB", 1, 1, 16, COLOUR, 0, 0, 1)
    body = (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + key(257, 514, 771)
        + png_chunk(b"IDAT", zlib.compress(b"\0" + row))
        + png_chunk(b"IEND", b"")
    )
    assert [[255, 255, 255]] == decoded(body, 3)


@pytest.mark.parametrize("chunks", [[key(1)], [png_chunk(b"PLTE", bytes(9)), key(0)]])
def test_transparency_with_a_wrong_checksum_is_none(chunks: list[bytes]) -> None:
    """A picture can do without: what is broken of it is passed over."""
    *before, transparent = chunks
    damaged = transparent[:-1] + bytes((transparent[-1] ^ 1,))
    rows, kind = bytes((0, 1, 2, 2)), 3 if before else GREY
    broken, without = png(kind, 8, rows, *before, damaged), png(kind, 8, rows, *before)
    assert decoded(without, 1) == decoded(broken, 1)
    assert decoded(without, 1) != decoded(png(kind, 8, rows, *chunks), 1)
