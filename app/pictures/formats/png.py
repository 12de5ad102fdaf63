"""PNG files: chunks of a length, a name, the content and a checksum."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from app.pictures.formats.essence import ColourKey, Essence, Rows, check_parts
from app.pictures.formats.exif import orientation
from app.pictures.formats.png_profile import MOST_PROFILES, profile

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_HEADER: Final = b"IHDR"
_PALETTE: Final = b"PLTE"
_TRANSPARENCY: Final = b"tRNS"
_PIXELS: Final = b"IDAT"
_END: Final = b"IEND"
_EXIF: Final = b"eXIf"
_TEXTS: Final = {b"tEXt", b"zTXt", b"iTXt"}
_OPTIONAL: Final = {_TRANSPARENCY, _EXIF, *_TEXTS}
_BEFORE: Final = 8  # length and name
_AROUND: Final = 12  # and the checksum

_BEGIN: Final = SIGNATURE + b"\0\0\0\r" + _HEADER
_SHAPE_ENDS, _HEADER_ENDS = len(_BEGIN) + 8, len(_BEGIN) + 13  # without its checksum
_ENDED: Final = b"\0\0\0\0IEND\xaeB`\x82"
_FEW: Final = 1000  # chunks of pixels in a file that is taken apart at once
_MODES: Final = {b"\x08\x00\0\0\0": "L", b"\x08\x02\0\0\0": "RGB", b"\x08\x06\0\0\0": "RGBA"}
"""By the header's last bytes: 8 bits a sample, the colour type, not interlaced."""
_SMALL: Final = 250_000
"""Pixels. Decoding more takes so long that it doesn't matter what reading the file does."""

_CHANNELS: Final = {0: 1, 2: 3}  # colour types that a key is for: grey, colour
_INDEXED: Final = 3


def essence(body: bytes) -> Essence:
    """Return the picture in *body* without its texts, profiles and further frames.

    Of an animation (APNG) it is the picture that is shown where animations aren't. Of chunks that
    may be there once the first counts, and none that comes too late. What a picture can do without
    is passed over where its checksum is wrong. The orientation is eXIf's, else that of a profile in
    a text. Raises ValueError.
    """
    rows = _bare_rows(body)
    return _essence(body) if rows is None else Essence(body, rows=rows)


def _essence(body: bytes) -> Essence:
    kept: dict[bytes, bytes] = {}
    profiles: list[bytes] = []
    pixels, exif = [], b""
    for name, chunk in _chunks(body):
        if name in _OPTIONAL and not _is_sound(chunk):
            continue
        if name == _PIXELS:
            pixels.append(chunk)
        elif name in {_HEADER, _PALETTE, _TRANSPARENCY}:
            if not pixels:
                kept.setdefault(name, chunk)
        elif name == _END:
            pixels.append(chunk)
        elif name == _EXIF:
            exif = exif or chunk[_BEFORE:-4]
        elif name in _TEXTS and not exif and len(profiles) < MOST_PROFILES:
            profiles += filter(None, [profile(name, chunk[_BEFORE:-4])])
    upright = orientation(exif or next(iter(profiles), b""))
    key = _colour_key(kept)
    if key is not None or _colour_type(kept) != _INDEXED:
        kept.pop(_TRANSPARENCY, None)
    file = b"".join((SIGNATURE, *kept.values(), *pixels))
    rows = _bare_rows(file) if key is None else None
    return Essence(file, upright, 1 if key is None else 2, key, rows)


def _bare_rows(file: bytes) -> Rows | None:
    """Return the rows of a small picture of a usual kind; None where *file* has anything besides.

    As it is of nearly all files that programs send.
    """
    mode = _MODES.get(file[_SHAPE_ENDS:_HEADER_ENDS])
    if mode is None or not file.startswith(_BEGIN) or not _is_sound(file[8 : _HEADER_ENDS + 4]):
        return None
    width, height = struct.unpack_from(">II", file, len(_BEGIN))
    if not 0 < width * height <= _SMALL:
        return None
    rows: list[bytes] = []
    at = _HEADER_ENDS + 4
    while file[at + 4 : at + _BEFORE] == _PIXELS and len(rows) < _FEW:
        end = at + int.from_bytes(file[at : at + 4]) + _AROUND
        rows.append(file[at + _BEFORE : end - 4])
        at = end
    if not rows or file[at:] != _ENDED:
        return None
    return Rows(mode, (width, height), rows[0] if len(rows) == 1 else b"".join(rows))


def _is_sound(chunk: bytes) -> bool:
    return zlib.crc32(memoryview(chunk)[4:-4]) == int.from_bytes(chunk[-4:])


def _colour_key(kept: dict[bytes, bytes]) -> ColourKey | None:
    """Return the transparent colour of a picture without a palette: all bits of it count."""
    count = _CHANNELS.get(_colour_type(kept), 0)
    told = kept.get(_TRANSPARENCY, b"")[_BEFORE:-4]
    if not count or len(told) != 2 * count:
        return None
    bits = kept[_HEADER][_BEFORE + 8]
    return ColourKey(tuple(one % 2**bits for one in struct.unpack(f">{count}H", told)), bits)


def _colour_type(kept: dict[bytes, bytes]) -> int:
    header = kept.get(_HEADER, b"")
    return header[_BEFORE + 9] if len(header) > _BEFORE + 9 else -1


def _chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk by its name, the last one cut off where the file is."""
    at, count, name = len(SIGNATURE), 0, b""
    while at < len(body) and name != _END:
        count += 1
        check_parts(count)
        end = at + int.from_bytes(body[at : at + 4]) + _AROUND
        name = body[at + 4 : at + _BEFORE]
        yield name, body[at:end]
        at = end
