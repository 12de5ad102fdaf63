"""How a picture is to be turned, out of its EXIF data.

Nothing else is read of it: its other entries may point anywhere, all of them to the same megabytes.
"""

from __future__ import annotations

import struct
from typing import Final

from PIL import Image as Pillow

UPRIGHT: Final = 1
TURNS: Final = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
"""What each other orientation is put right by."""

MARK: Final = b"Exif\0"
"""What EXIF data begin with in a JPEG, and in other files by mistake; one more byte follows."""

_BYTE_ORDERS: Final = {b"II": "<", b"MM": ">"}
_ORIENTATION: Final = 0x0112
_NUMBERS: Final = {3: "H", 4: "I"}  # SHORT, LONG
_MOST_ENTRIES: Final = 1000
_ENTRY_BYTES: Final = 12


def orientation(exif: bytes) -> int:
    """Return the orientation that *exif* tells, 1 to 8; `UPRIGHT` if it tells none."""
    tiff = exif[len(MARK) + 1 :] if exif.startswith(MARK) else exif
    order = _BYTE_ORDERS.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        found = _orientation(tiff, order)
    except struct.error:  # it points outside itself
        return UPRIGHT
    return found if 1 <= found <= 8 else UPRIGHT  # noqa: PLR2004  # as EXIF defines them


def _orientation(tiff: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
    for i in range(min(entries, _MOST_ENTRIES)):
        at = directory + 2 + i * _ENTRY_BYTES
        tag, kind = struct.unpack_from(f"{order}HH", tiff, at)
        if tag == _ORIENTATION and kind in _NUMBERS:
            (value,) = struct.unpack_from(order + _NUMBERS[kind], tiff, at + 8)
            return int(value)
    return UPRIGHT
