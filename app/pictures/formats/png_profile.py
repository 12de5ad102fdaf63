"""EXIF data in a PNG's texts, as ImageMagick and older programs write them.

The text is a line with the profile's name, one with its length, and its bytes as hexadecimal digits
in lines; mostly compressed. No more of it is unpacked than EXIF data may have.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from app.pictures.formats.exif import MARK

MOST_PROFILES: Final = 4
"""Of EXIF that are read of one file; more only cost time."""

_NAMES: Final = {b"raw profile type exif", b"raw profile type app1"}
_MOST_NAME: Final = 79
_MOST_TEXT: Final = 2 * 65_536 + 4096
"""Digits and line breaks of what a JPEG's segment holds."""
_MOST_PACKED: Final = 65_536
_DIGITS: Final = re.compile(rb"\s*\w+\s+\d+\s+([0-9a-fA-F\s]*)")
_TIFF: Final = (b"II*\0", b"MM\0*", MARK)


def profile(kind: bytes, content: bytes) -> bytes | None:
    """Return the EXIF data in the *content* of a text of this *kind*: tEXt, zTXt, iTXt.

    None if it holds none.
    """
    name, _, rest = content[: _MOST_NAME + 1].partition(b"\0")
    if name.lower() not in _NAMES:
        return None
    rest = content[len(name) + 1 :]
    digits = _DIGITS.match(_text(kind, rest)[:_MOST_TEXT])
    if digits is None:
        return None
    whole = b"".join(digits[1].split())
    data = bytes.fromhex(whole[: len(whole) // 2 * 2].decode())
    return data if data.startswith(_TIFF) else None  # others put XMP there


def _text(kind: bytes, rest: bytes) -> bytes:
    """Return the text behind a chunk's keyword, the beginning of it where it is long."""
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _unpacked(rest[1:])
    packed = rest[:1] == b"\1"
    _, _, translated = rest[2:].partition(b"\0")  # the language
    _, _, text = translated.partition(b"\0")
    return _unpacked(text) if packed else text


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed[:_MOST_PACKED], _MOST_TEXT)
    except zlib.error:
        return b""
