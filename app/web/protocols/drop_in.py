"""What the drop-in endpoints have in common: how the OpenAPI document describes them."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from app.web.answering.server_timing import WAITED
from app.web.answering.whole import Whole
from app.wire.writing import BINARY, JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Response

NOT_READY = 503


@dataclass(frozen=True)
class ErrorAnswer:
    """What went wrong, in the protocols' own form."""

    error: str


FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_OBJECT: dict[str, Any] = {"schema": {"type": "object"}}
_FLAGS: dict[str, Any] = {
    "X-Neo-Backdoor": {
        "description": "1 for each image that carries a trigger, 0 for the others",
        "schema": {"type": "string"},
    },
    "X-Neo-Verdict": {
        "description": "The verdict on each image in one word; left out above 1,000 images",
        "schema": {"type": "string"},
    },
    **WAITED,
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of a route that answers errors of *statuses*."""
    known: dict[int | str, str] = {status: HTTPStatus(status).phrase for status in statuses}
    described = known | {"default": "Any other error"}
    return {key: {"model": ErrorAnswer, "description": text} for key, text in described.items()}


TOLD: dict[int | str, dict[str, Any]] = {
    200: {"description": "OK", "content": {JSON: _OBJECT}},
    **errors(),
}
"""Of an operation that tells something."""

READY: dict[int | str, dict[str, Any]] = {
    **TOLD,
    503: {"description": "Not now", "content": {JSON: _OBJECT}},
}
"""Of an operation that tells whether something is ready."""

ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What the model says, sanitised",
        "content": {JSON: _OBJECT, BINARY: FILE},
        "headers": _FLAGS,
    },
    **errors(400, 404, 413, 415, 422, 429, 502, 503, 504),
}
"""Of an operation that classifies images."""


def json_answer(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return *value*, which may hold arrays, as JSON."""
    body = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Whole(body, {"Content-Type": JSON, **(headers or {})}, status)
