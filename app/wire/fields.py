"""Fields of JSON that somebody else wrote: each as it should be, or WireError."""

from __future__ import annotations

import gc
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

Fields: TypeAlias = "Mapping[str, Any]"
"""A JSON object."""

EXCERPT = 200
SMALL: Final = 4096
"""Bytes of JSON that make no long lists."""
BOM: Final = b"\xef\xbb\xbf"
"""Some writers put it before JSON, and readers may pass over it (RFC 8259, 8.1)."""

_NOT_FINITE = re.compile(rb"[\[:,\s](?:NaN|[+-]?Inf(?:inity)?)\s*[\],}]")
"""As Python's and JavaScript's writers put them."""

_TOO_LARGE: Final = "number is infinity"
"""What orjson says of a number beyond FP64: the rest is JSON, and its beginning tells nothing."""


class WireError(ValueError):
    """The bytes aren't what the protocol says; the message is fit for the sender.

    ``quoted`` are the parts of it that are the sender's own words: no log gets these.
    """

    def __init__(self, message: str, *quoted: str) -> None:
        super().__init__(message)
        self.quoted = quoted


class NotFiniteError(WireError):
    """Numbers in what would be JSON otherwise are NaN or infinite."""

    def __init__(self) -> None:
        super().__init__("it is not JSON: numbers in it are NaN or Infinity")


def json_value(body: bytes | memoryview) -> Any:  # noqa: ANN401  # whatever JSON is there
    """Read *body* as JSON. NaN and Infinity are no JSON."""
    collecting = len(body) > SMALL and gc.isenabled()
    if collecting:
        gc.disable()  # it would look again and again through lists in the making: 5 times the time
    try:
        return orjson.loads(body[len(BOM) :] if body[: len(BOM)] == BOM else body)
    except orjson.JSONDecodeError as exc:
        if _NOT_FINITE.search(body):
            raise NotFiniteError from exc
        if exc.msg.startswith(_TOO_LARGE):
            message = f"it is not JSON: the number at character {exc.pos} is too large for any type"
            raise WireError(message) from exc
        shown = repr(excerpt(body)[:40])
        message = f"it is not JSON; it begins with: {shown}"
        raise WireError(message, shown) from exc
    finally:
        if collecting:
            gc.enable()


def json_object(body: bytes | memoryview) -> Fields:
    """Read *body* as one JSON object."""
    value = json_value(body)
    if not isinstance(value, dict):
        message = "it is JSON, but not an object"
        raise WireError(message)
    return value


def text(fields: Fields, key: str) -> str:
    """Return the string under *key*."""
    value = fields.get(key)
    if not isinstance(value, str):
        message = f"there is no string under {key!r}"
        raise WireError(message)
    return value


def integers(fields: Fields, key: str) -> tuple[int, ...]:
    """Return the list of integers under *key*."""
    value = fields.get(key)
    if not isinstance(value, list) or not {*map(type, value)} <= {int}:
        message = f"there is no list of integers under {key!r}"
        raise WireError(message)
    return tuple(value)


def objects(fields: Fields, key: str) -> tuple[Fields, ...]:
    """Return the list of objects under *key*; a null or a missing one is empty."""
    value = fields.get(key) or []
    if not isinstance(value, list) or not {*map(type, value)} <= {dict}:
        message = f"there is no list of objects under {key!r}"
        raise WireError(message)
    return tuple(value)


def parameters(fields: Fields) -> Fields:
    """Return the object under ``parameters``; a null or a missing one is empty."""
    value = fields.get("parameters") or {}
    if not isinstance(value, dict):
        message = "its parameters are not an object"
        raise WireError(message)
    return value


def excerpt(body: bytes | memoryview) -> str:
    """Return the beginning of *body* as one printable line."""
    words = bytes(body[: 4 * EXCERPT]).decode(errors="replace").split()
    return "".join(filter(str.isprintable, " ".join(words)))[:EXCERPT]
