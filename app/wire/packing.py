"""Bodies packed as gzip or deflate: their size is told before they are unpacked.

A byte of such a body may become a thousand: what is too large never is in memory as a whole.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKED_AT_ONCE: Final = 4096
"""Larger bodies are unpacked in a thread."""

_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_BARE: Final = -15
"""Of deflate without zlib's header, as some clients send it."""
_MANY: Final = ("gzip", "x-gzip")
_MOST_MEMBERS: Final = 4096
"""Of gzip in a body; blocks of 64 KB, as some packers make them, are no more."""
_PIECE: Final = 65_536
_TIMES: Final = 100
"""What a packed body may become, in times its size. Scores in JSON pack to a tenth; a bomb, to a
thousandth."""


class PackingError(ValueError):
    """The bytes aren't what their encoding says."""


class UnknownPackingError(PackingError):
    """Their encoding isn't known."""


class UnpackedTooLargeError(PackingError):
    """They become more than they may."""


def most_unpacked(packed: int, always: int, most: int) -> int:
    """Return what a body of *packed* bytes may become: *always* allowed, and never over *most*."""
    return min(max(always, _TIMES * packed), most)


def unpacked_size(packed: bytes | bytearray, encoding: str, most: int) -> int:
    """Return how many bytes *packed* becomes, at most *most*. Raises PackingError."""
    if encoding not in _WINDOW_BITS:
        message = f"the content encoding {encoding[:40]!r} is not taken; gzip and deflate are"
        raise UnknownPackingError(message)
    size = 0
    for piece in _pieces(packed, encoding):
        size += len(piece)
        if size > most:
            message = f"the body unpacks to more than {most} bytes"
            raise UnpackedTooLargeError(message)
    return size


def unpacked(packed: bytes | bytearray, encoding: str) -> bytes:
    """Return what is *packed*, whose size has been told."""
    unpacking = zlib.decompressobj(_window_bits(packed, encoding))
    whole = unpacking.decompress(packed)
    return b"".join(_pieces(packed, encoding)) if unpacking.unused_data else whole


def _pieces(packed: bytes | bytearray, encoding: str) -> Iterator[bytes]:
    """Yield what *packed* becomes, piece by piece. Raises PackingError.

    A gzip body may have several members, one behind the other (RFC 1952, 2.2).
    """
    bits = _window_bits(packed, encoding)
    unpacking, members = zlib.decompressobj(bits), 1
    for start in range(0, len(packed), _PIECE):
        rest = bytes(packed[start : start + _PIECE])
        while rest:
            if unpacking.eof:
                members += 1
                if encoding not in _MANY or members > _MOST_MEMBERS:
                    message = f"the body is not one whole {encoding} stream"
                    raise PackingError(message)
                unpacking = zlib.decompressobj(bits)
            try:
                yield unpacking.decompress(rest, _PIECE)
            except zlib.error as exc:
                message = f"the body is not {encoding}"
                raise PackingError(message) from exc
            rest = unpacking.unused_data or unpacking.unconsumed_tail
    if not unpacking.eof:
        message = f"the body is not one whole {encoding} stream"
        raise PackingError(message)


def _window_bits(packed: bytes | bytearray, encoding: str) -> int:
    """Return how zlib is to read *packed*, whose encoding is known (RFC 1950 for the header)."""
    is_zlib = (
        packed[:1] and packed[0] % 16 == zlib.DEFLATED and int.from_bytes(packed[:2]) % 31 == 0
    )
    return _BARE if encoding == "deflate" and not is_zlib else _WINDOW_BITS[encoding]
