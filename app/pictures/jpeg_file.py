"""JPEG files: segments of a marker, mostly a length and a content; then scans until the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.pictures.essence import Essence, check_parts
from app.pictures.exif import orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"\xff\xd8\xff"

_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_SCAN: Final = b"\xff\xda"
_EXIF: Final = 0xE1
_NO_LENGTH: Final = {0x00, 0x01, *range(0xD0, 0xD8)}
# Frames and their tables, the restart interval, and the two that say what the colours are.
_NEEDED: Final = {*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, 0xE0, 0xEE}


def essence(body: bytes) -> Essence:
    """Return the first picture in *body* without previews, profiles and comments.

    Its scans are counted; what isn't closed by an end is kept as it is. Raises ValueError.
    """
    kept, exif, scans = [_START], b"", b""
    for marker, segment in _segments(body):
        if marker == _SCAN[1]:
            scans = segment
        elif marker in _NEEDED:
            kept.append(segment)
        elif marker == _EXIF and not exif:
            exif = segment[4:]
    # Within a scan a marker's first byte is always followed by others than these.
    return Essence(b"".join((*kept, scans)), orientation(exif), max(1, scans.count(_SCAN)))


def _segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each segment by its marker; all scans are the last one."""
    at, count = len(_START), 0
    while True:
        count += 1
        check_parts(count)
        at = body.find(b"\xff", at)  # what lies between segments is passed over
        if at < 0 or at + 2 > len(body):
            return
        marker = body[at + 1]
        if marker == 0xFF:  # noqa: PLR2004  # a filler before a marker
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        elif marker in {_START[1], _END[1]}:
            return
        elif marker == _SCAN[1]:
            end = body.find(_END, at)
            yield marker, body[at:] if end < 0 else body[at : end + 2]
            return
        else:
            end = at + 2 + max(2, int.from_bytes(body[at + 2 : at + 4]))
            yield marker, body[at:end]
            at = end
