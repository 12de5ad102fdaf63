"""A request's body, unpacked if it came compressed, and never larger than allowed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from app.web.bodies import BodyTooLargeError, held_body

if TYPE_CHECKING:
    from starlette.requests import Request

_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}


class EncodingError(Exception):
    """The body's Content-Encoding isn't taken, or isn't what the body has."""


async def content(request: Request, max_body: int) -> bytes:
    """Return the body of *request*, at most *max_body* bytes of it, packed and unpacked.

    Raises BodyTooLargeError, OverloadedError, EncodingError.
    """
    body = await request.body()
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in _WINDOW_BITS:
        message = f"the content encoding {encoding[:40]!r} is not taken; send gzip, deflate or none"
        raise EncodingError(message)
    unpacking = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        unpacked = unpacking.decompress(body, max_body + 1)
    except zlib.error as exc:
        message = f"the body is no {encoding}"
        raise EncodingError(message) from exc
    if len(unpacked) > max_body:
        raise BodyTooLargeError(max_body)
    held_body(request).hold(len(unpacked))
    if not unpacking.eof or unpacking.unused_data:
        message = f"the body is no whole {encoding}"
        raise EncodingError(message)
    return unpacked
