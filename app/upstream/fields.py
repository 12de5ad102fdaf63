"""Fields of JSON that somebody else wrote: each as it should be, or UpstreamAnswerError."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from app.ports import UpstreamAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

Fields: TypeAlias = "Mapping[str, Any]"
"""A JSON object."""

EXCERPT = 200


def json_object(body: bytes | memoryview) -> Fields:
    """Read *body* as one JSON object. NaN and Infinity are no JSON."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        message = f"the upstream's answer is not JSON; it begins with: {excerpt(body)[:40]!r}"
        raise UpstreamAnswerError(message) from exc
    if not isinstance(value, dict):
        message = "the upstream's answer is JSON, but not an object"
        raise UpstreamAnswerError(message)
    return value


def text(fields: Fields, key: str) -> str:
    """Return the string under *key*."""
    value = fields.get(key)
    if not isinstance(value, str):
        message = f"the upstream's answer has no text under {key!r}"
        raise UpstreamAnswerError(message)
    return value


def integers(fields: Fields, key: str) -> tuple[int, ...]:
    """Return the list of integers under *key*."""
    value = fields.get(key)
    if not isinstance(value, list) or not all(type(number) is int for number in value):
        message = f"the upstream's answer has no list of integers under {key!r}"
        raise UpstreamAnswerError(message)
    return tuple(value)


def objects(fields: Fields, key: str) -> tuple[Fields, ...]:
    """Return the list of objects under *key*; a null or a missing one is empty."""
    value = fields.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        message = f"the upstream's answer has no list of objects under {key!r}"
        raise UpstreamAnswerError(message)
    return tuple(value)


def excerpt(body: bytes | memoryview) -> str:
    """Return the beginning of *body* as one printable line."""
    words = bytes(body[: 4 * EXCERPT]).decode(errors="replace").split()
    return "".join(filter(str.isprintable, " ".join(words)))[:EXCERPT]
