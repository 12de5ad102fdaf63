"""PNG files: chunks of a length, a name, the content and a checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.pictures.essence import Essence, check_parts
from app.pictures.exif import orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_END: Final = b"IEND"
_NEEDED: Final = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", _END}
_BEFORE: Final = 8  # length and name
_AROUND: Final = 12  # and the checksum


def essence(body: bytes) -> Essence:
    """Return the picture in *body* without its texts, profiles and further frames.

    Of an animation (APNG) it is the picture that is shown where animations aren't. Raises
    ValueError.
    """
    kept, exif = [SIGNATURE], b""
    for name, chunk in _chunks(body):
        if name in _NEEDED:
            kept.append(chunk)
        elif name == b"eXIf" and not exif:
            exif = chunk[_BEFORE:-4]
    return Essence(b"".join(kept), orientation(exif))


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
