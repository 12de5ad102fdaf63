"""Numbers in nested JSON lists, read without making a Python list of each row.

A batch of 64 images of 48x48 is some 150,000 lists. Of a text that holds nothing but numbers in
lists the brackets alone tell the shape, and without them it is one flat list: half the CPU time.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BEGINS = {
    key: re.compile(rb'\s*\{\s*"%b"\s*:\s*(?=\[)' % key.encode()) for key in ("instances", "inputs")
}
_BLANK = b" \t\r\n"
_SCALAR = b"0"
_NUMERIC = b"0123456789.eE+-"
_SKELETON = bytes.maketrans(_NUMERIC, _SCALAR * len(_NUMERIC))
DEEPEST = 8
_PIECE = 65_536
_LETTERS = b"abcdefgh"


def numbers(body: bytes, key: str = "instances") -> NDArray[Any] | None:
    """Return the numbers of `{"<key>": [...]}` in their shape; *key*: `instances` or `inputs`.

    None if *body* is anything else, a wrong one too: what it is has to be told by other means.
    """
    begin = _BEGINS[key].match(body)
    end = body.rstrip(_BLANK)
    if begin is None or not end.endswith(b"}"):
        return None
    text = end[begin.end() : -1]
    skeleton = text.translate(_SKELETON, _BLANK)
    if b"]0" in skeleton or b"0[" in skeleton:  # a number beside a list, without a comma
        return None
    shape = _shape(skeleton.translate(None, _SCALAR))
    if shape is None:
        return None
    try:
        flat = _numbers(text.translate(None, b"[]"))
    except ValueError:  # a JSONDecodeError too
        return None
    if flat.size != math.prod(shape) or flat.dtype.kind not in "iuf":
        return None
    return flat.reshape(shape)


def _numbers(text: bytes) -> NDArray[Any]:
    """Return the numbers in *text*, with commas between them, read piece by piece.

    So they never all are Python's objects, and other threads have their turn. Raises ValueError.
    """
    pieces, start = [], 0
    while start < len(text):
        end = text.find(b",", start + _PIECE)
        end = len(text) if end < 0 else end
        pieces.append(np.asarray(orjson.loads(b"[%b]" % text[start:end])))
        start = end + 1
    return np.concatenate(pieces)


def _shape(brackets: bytes) -> tuple[int, ...] | None:
    """Return the shape of what has these brackets and commas; None if it isn't regular.

    From the inside out: once all lists that are like the first innermost one are replaced by a
    letter, those around them are innermost. Each depth has its own letter: a list of numbers beside
    a list of such lists is not regular.
    """
    depth = len(brackets) - len(brackets.lstrip(b"["))
    if depth > DEEPEST or brackets.translate(None, b"[],"):
        return None
    shape: list[int] = []
    item = b""  # numbers have been left out
    for letter in _LETTERS[:depth]:
        end = brackets.find(b"]")
        row = brackets[brackets.rfind(b"[", 0, end) : end + 1]
        length = row.count(b",") + 1
        # Not by join(), which takes 80 bytes an item.
        if row != b"[%b%b]" % (item, (length - 1) * (b"," + item)):
            return None
        shape.append(length)
        item = bytes((letter,))
        brackets = brackets.replace(row, item)
    return tuple(reversed(shape)) if brackets == item else None
