"""What a request's JSON holds, counted in its bytes before it is parsed.

A parsed list takes thirty times the memory of its brackets: ten megabytes of lists that no real
request has would cost a second of CPU time and hundreds of megabytes.
"""

from __future__ import annotations

from typing import Final

from app.wire.fields import WireError

UNCOUNTED: Final = 65_536
"""Bytes of JSON that may hold anything: parsing them is as quick as counting."""
MOST_STRINGS: Final = 100_000
"""Quotes and objects: 10,000 pictures, each as an object in an object, have 80,000."""
MOST_EMPTY: Final = 1000
"""Empty lists: no image is one."""

_BLANK = b" \t\r\n"


def check_structure(body: bytes | memoryview) -> None:
    """Raise WireError if *body* can't be a request with images, as numbers or files."""
    if len(body) <= UNCOUNTED:
        return
    text = bytes(body)
    if text.count(b'"') + text.count(b"{") > MOST_STRINGS:
        message = "it has more strings and objects than any request needs"
        raise WireError(message)
    if text.translate(None, _BLANK).count(b"[]") > MOST_EMPTY:
        message = "it has more empty lists than any request needs"
        raise WireError(message)
