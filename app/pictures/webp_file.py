"""WebP files: chunks of a name, a length and a content of an even length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.pictures.essence import Essence, check_parts
from app.pictures.exif import orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"RIFF"
FORM: Final = b"WEBP"

_EXTENDED: Final = b"VP8X"
_PICTURES: Final = {b"VP8 ", b"VP8L", b"ANMF"}
_BEFORE_PICTURES: Final = {b"ANIM", b"ALPH"}
_FLAGS: Final = 0x12  # of the extended form: an animation, transparency
_HEADER: Final = 8  # name and length


def essence(body: bytes) -> Essence:
    """Return the first picture in *body* without profiles, texts and further frames.

    Raises ValueError.
    """
    kept, exif, complete = [FORM], b"", False
    for name, chunk in _chunks(body):
        if name == b"EXIF":
            exif = exif or chunk[_HEADER:]
        elif complete:
            continue
        elif name == _EXTENDED:
            kept.append(chunk[:8] + bytes(flag & _FLAGS for flag in chunk[8:9]) + chunk[9:])
        elif name in _PICTURES | _BEFORE_PICTURES:
            kept.append(chunk)
            complete = name in _PICTURES
    size = sum(map(len, kept))
    return Essence(b"".join((SIGNATURE, size.to_bytes(4, "little"), *kept)), orientation(exif))


def _chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk by its name, the last one cut off where the file is."""
    at, count = 12, 0
    while at < len(body):
        count += 1
        check_parts(count)
        size = int.from_bytes(body[at + 4 : at + _HEADER], "little")
        end = at + _HEADER + size + size % 2
        yield body[at : at + 4], body[at:end]
        at = end
