"""What JSON of a request has in it, told by its bytes before it is parsed.

A parsed list takes thirty times the memory of its brackets, so ten megabytes of what no request has
would be a second of work and hundreds of megabytes.
"""

from __future__ import annotations

from typing import Final

from app.wire.fields import WireError

UNCOUNTED: Final = 65_536
"""Bytes of JSON that may have anything in them: parsing is as quick as counting."""
MOST_TEXTS: Final = 100_000
"""Quotes and objects: 10,000 pictures, each as an object in an object, have 80,000."""
MOST_EMPTY: Final = 1000
"""Empty lists: no image is one."""

_BLANK = b" \t\r\n"


def check_structure(body: bytes | memoryview) -> None:
    """Return if *body* may be a request with images, as numbers or files. Raises WireError."""
    if len(body) <= UNCOUNTED:
        return
    text = bytes(body)
    if text.count(b'"') + text.count(b"{") > MOST_TEXTS:
        message = "it has more texts and objects than any request has"
        raise WireError(message)
    if text.translate(None, _BLANK).count(b"[]") > MOST_EMPTY:
        message = "it has more empty lists than any request has"
        raise WireError(message)
