"""A request's body, unpacked if it came compressed, and never larger than allowed.

Errors::

    EncodingError           the body isn't what its Content-Encoding says
    └── UnknownEncodingError  its Content-Encoding isn't taken
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from app.web.intake.bodies import BodyTooLargeError, held_body
from app.web.intake.heads import header
from app.wire.packing import (
    PACKED_AT_ONCE,
    PackingError,
    UnknownPackingError,
    UnpackedTooLargeError,
    most_unpacked,
    unpacked,
    unpacked_size,
)

if TYPE_CHECKING:
    from starlette.requests import Request

UNPACKED_ALWAYS: Final = 2**20
"""What a packed body may become however small it is, in bytes."""


class EncodingError(Exception):
    """The body isn't what its Content-Encoding says."""


class UnknownEncodingError(EncodingError):
    """The body's Content-Encoding isn't taken."""


async def content(request: Request, max_body: int) -> bytes:
    """Return the body of *request*, at most *max_body* bytes of it, packed and unpacked.

    A packed one may grow a hundredfold, and to `UNPACKED_ALWAYS`. Raises BodyTooLargeError,
    OverloadedError, EncodingError.
    """
    body = await request.body()
    encoding = _encoding(request)
    if not encoding:
        return body
    most = most_unpacked(len(body), UNPACKED_ALWAYS, max_body)
    at_once = len(body) <= PACKED_AT_ONCE
    try:
        if at_once:
            size = unpacked_size(body, encoding, most)
        else:
            size = await asyncio.to_thread(unpacked_size, body, encoding, most)
    except UnpackedTooLargeError as exc:
        raise BodyTooLargeError(most) from exc
    except UnknownPackingError as exc:
        raise UnknownEncodingError(str(exc)) from exc
    except PackingError as exc:
        raise EncodingError(str(exc)) from exc
    held_body(request).hold(size)
    return (
        unpacked(body, encoding) if at_once else await asyncio.to_thread(unpacked, body, encoding)
    )


def _encoding(request: Request) -> str:
    """Return all that the headers say of how the body is packed; empty if it isn't."""
    if header(request.scope, b"content-encoding") is None:  # as of nearly all
        return ""
    told = ",".join(request.headers.getlist("Content-Encoding")).lower().split(",")
    return ", ".join(one.strip() for one in told if one.strip() not in {"", "identity"})
