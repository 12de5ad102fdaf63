"""The header Retry-After: when a server wants to be asked again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_S: Final = 30.0
"""More isn't believed: a server that comes back early is to be found."""
DIGITS: Final = 9


def retry_after_s(value: str, now: datetime, most_s: float = LONGEST_S) -> float | None:
    """Read *value*, seconds or an HTTP date, as seconds from *now* (with its zone), at *most_s*.

    None if it is neither.
    """
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:DIGITS]), most_s)
    try:
        then = parsedate_to_datetime(value)
        seconds = (then - now).total_seconds()
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone
        return None
    return min(max(seconds, 0.0), most_s)
