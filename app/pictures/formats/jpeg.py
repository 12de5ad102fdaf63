"""JPEG files: segments of a marker, mostly a length and a content; then scans until the end.

Between scans lie segments, too. A marker within a segment's content, a comment's say, is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from app.pictures.formats.essence import Essence, check_parts
from app.pictures.formats.exif import MARK, orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"\xff\xd8\xff"

_START: Final = b"\xff\xd8"
_END: Final = 0xD9
_SCAN: Final = 0xDA
_ENDS: Final = {_START[1], _END}
_EXIF: Final = 0xE1
_ALONE: Final = {0x01, *range(0xD0, 0xD8)}  # without a length
# Frames and their tables, and the restart interval.
_NEEDED: Final = {*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD}
_COLOURS: Final = {0xE0, 0xEE}
"""JFIF's and Adobe's: what the colours are. Decoders have made up their mind before a scan."""
_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
_MARKER_IN_SCAN: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def essence(body: bytes) -> Essence:
    """Return the first picture in *body* without previews, profiles and comments.

    Its scans are counted; what isn't closed by an end is kept as it is. The orientation is that of
    the first EXIF segment before the scans, whatever else lies before it. Raises ValueError.
    """
    kept, exif, scans = [_START], b"", 0
    for marker, segment in _segments(body):
        if marker == _SCAN:
            scans += 1
            kept.append(segment)
        elif marker == _END or marker in _NEEDED or (marker in _COLOURS and not scans):
            kept.append(segment)
        elif marker == _EXIF and not (exif or scans) and segment.startswith(MARK, 4):
            exif = segment[4:]
    return Essence(b"".join(kept), orientation(exif), max(1, scans))


def _segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each segment by its marker, a scan's with its data, until the picture's end."""
    at, count = len(_START), 0
    while found := _MARKER.search(body, at):  # what lies between segments is passed over
        count += 1
        check_parts(count)
        marker, begin = found[1][0], found.start()
        if marker in _ENDS:
            if marker == _END:
                yield marker, body[begin : begin + 2]
            return
        at = begin + 2
        if marker not in _ALONE:
            at += max(2, int.from_bytes(body[at : at + 2]))
            if marker == _SCAN:
                after = _MARKER_IN_SCAN.search(body, at)
                at = len(body) if after is None else after.start()
            yield marker, body[begin:at]
