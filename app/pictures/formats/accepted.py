"""Formats of picture files, told by what a file begins with."""

from __future__ import annotations

from typing import Final

from app.pictures.formats import jpeg, png, webp

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP")
ACCEPTED: Final = "PNG, JPEG, WebP and BMP"

_TAKEN: Final = (
    (0, png.SIGNATURE, "PNG"),
    (0, jpeg.SIGNATURE, "JPEG"),
    (8, webp.FORM, "WEBP"),
    (0, b"BM", "BMP"),
)
# Not taken, but recognised, so that the message can say what was sent.
_FOREIGN: Final = (
    (0, b"GIF8", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftyphei", "HEIC"),
)


def told_format(body: bytes) -> str | None:
    """Return the format that *body* begins as, one of `FORMATS` or not; None if as none."""
    for offset, mark, name in _TAKEN + _FOREIGN:
        if body.startswith(mark, offset):
            return name
    return None
