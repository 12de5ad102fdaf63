"""Files as texts: base64 in each of the forms that clients write, also in a data URL."""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import unquote_to_bytes

_DATA_URL: Final = re.compile(rb"data:[^,]{0,200},", re.IGNORECASE)
_BASE64: Final = b";base64,"
_SPACE: Final = b" \t\r\n"
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


class FileTextError(ValueError):
    """The text is no file: it isn't base64."""


def file_of(text: str | bytes) -> bytes:
    """Return the file that *text* is.

    It is base64 of either alphabet (RFC 4648, sections 4 and 5), in lines or in one, padded or not;
    or a data URL (RFC 2397) of it, whose media type isn't believed. Raises FileTextError.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # a form that fewer clients write
        pass
    try:
        written = text.encode("ascii") if isinstance(text, str) else text
        return base64.b64decode(_plain(written), validate=True)
    except ValueError as exc:
        raise FileTextError(str(exc)) from exc


def _plain(text: bytes) -> bytes:
    """Return *text* as one padded line of the first alphabet, out of its data URL."""
    text = text.strip()
    url = _DATA_URL.match(text)
    if url is not None:
        if not url[0].lower().endswith(_BASE64):
            message = "a data URL must say ;base64"
            raise FileTextError(message)
        text = unquote_to_bytes(text[url.end() :])
    line = text.translate(_STANDARD, _SPACE).rstrip(b"=")
    return line + b"=" * (-len(line) % 4)
