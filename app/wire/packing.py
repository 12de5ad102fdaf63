"""Bodies packed as gzip or deflate: their size is told before they are unpacked.

A byte of such a body may become a thousand: what is too large never is in memory as a whole.
"""

from __future__ import annotations

import zlib
from typing import Final

PACKED_AT_ONCE: Final = 4096
"""Larger bodies are unpacked in a thread."""

_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}
_PIECE: Final = 65_536
_TIMES: Final = 100
"""What a packed body may become, in times its size. Scores in JSON pack to a tenth; a bomb, to a
thousandth."""


class PackingError(ValueError):
    """The bytes aren't what their encoding says."""


class UnpackedTooLargeError(PackingError):
    """They become more than they may."""


def most_unpacked(packed: int, always: int, most: int) -> int:
    """Return what a body of *packed* bytes may become: *always* allowed, and never over *most*."""
    return min(max(always, _TIMES * packed), most)


def unpacked_size(packed: bytes | bytearray, encoding: str, most: int) -> int:
    """Return how many bytes *packed* becomes, at most *most*. Raises PackingError."""
    if encoding not in _WINDOW_BITS:
        message = f"the content encoding {encoding[:40]!r} is not taken; gzip and deflate are"
        raise PackingError(message)
    unpacking, size = zlib.decompressobj(_WINDOW_BITS[encoding]), 0
    for start in range(0, len(packed), _PIECE):
        rest = bytes(packed[start : start + _PIECE])
        while rest:
            try:
                size += len(unpacking.decompress(rest, _PIECE))
            except zlib.error as exc:
                message = f"the body is not {encoding}"
                raise PackingError(message) from exc
            if size > most:
                message = f"the body unpacks to more than {most} bytes"
                raise UnpackedTooLargeError(message)
            rest = unpacking.unconsumed_tail
    if not unpacking.eof or unpacking.unused_data:
        message = f"the body is not one whole {encoding} stream"
        raise PackingError(message)
    return size


def unpacked(packed: bytes | bytearray, encoding: str) -> bytes:
    """Return what is *packed*, whose size has been told."""
    return zlib.decompress(packed, _WINDOW_BITS[encoding])
