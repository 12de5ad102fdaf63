"""WebP files: chunks of a name, a length and a content of an even length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.pictures.formats.essence import Essence, check_parts
from app.pictures.formats.exif import orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"RIFF"
FORM: Final = b"WEBP"

_EXTENDED: Final = b"VP8X"
_FRAME: Final = b"ANMF"
_LOSSLESS: Final = b"VP8L"
_ALPHA: Final = b"ALPH"
_PICTURES: Final = {b"VP8 ", _LOSSLESS, _FRAME}
_BEFORE_PICTURES: Final = {b"ANIM", _ALPHA}
_ANIMATED, _TRANSPARENT = 0x02, 0x10  # flags of the extended form
_HEADER: Final = 8  # name and length


def essence(body: bytes) -> Essence:
    """Return the first picture in *body* without profiles, texts and further frames.

    It is transparent where its pixels are, or where an animation's first frame doesn't reach,
    whatever the file's flag says; EXIF data are an extended file's. Raises ValueError.
    """
    kept: list[bytes] = []
    extended, exif, alpha, complete = None, b"", 0, False
    for name, chunk in _chunks(body):
        if name == b"EXIF":
            exif = exif or chunk[_HEADER:]
        elif complete:
            continue
        elif name == _EXTENDED:
            extended = extended or chunk
        elif name in _PICTURES | _BEFORE_PICTURES:
            kept.append(chunk)
            alpha |= _transparency(name, chunk)
            complete = name in _PICTURES
    head = [FORM]
    if extended is not None:
        flags = bytes(flag & (_ANIMATED | _TRANSPARENT) | alpha for flag in extended[8:9])
        head.append(extended[:8] + flags + extended[9:])
    else:
        exif = b""
    whole = b"".join((*head, *kept))
    file = b"".join((SIGNATURE, len(whole).to_bytes(4, "little"), whole))
    return Essence(file, orientation(exif))


def _transparency(name: bytes, chunk: bytes) -> int:
    """Return the flag of transparency if a picture, or what is before it, has some."""
    if name == _FRAME:  # around it, too, where it is smaller than the picture
        return _TRANSPARENT
    if name == _LOSSLESS:
        return chunk[_HEADER + 4] & _TRANSPARENT if len(chunk) > _HEADER + 4 else 0
    return _TRANSPARENT if name == _ALPHA else 0


def _chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk by its name, the last one cut off where the file is."""
    at, count = 12, 0
    whole = min(len(body), _HEADER + int.from_bytes(body[4:8], "little"))  # what follows is no part
    while at < whole:
        count += 1
        check_parts(count)
        size = int.from_bytes(body[at + 4 : at + _HEADER], "little")
        end = at + _HEADER + size + size % 2
        yield body[at : at + 4], body[at:end]
        at = end
