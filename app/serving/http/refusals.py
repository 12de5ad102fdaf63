"""What a connection answers by itself, before or without the application: the same problems."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson

from app import metrics
from app.metrics.routes import CONNECTION, status_of
from app.web.answering.problems import DROP_IN, MEDIA_TYPE, Kind, Problem
from app.web.answering.request_ids import HEADER, chosen_id

if TYPE_CHECKING:
    from collections.abc import Iterable

MALFORMED: Final = Kind(400, "malformed-request", "The request is not HTTP")
SLOW: Final = Kind(408, "slow-request", "The request came too slowly")
HEAD_TOO_LARGE: Final = Kind(431, "head-too-large", "The request's head is too large")
UNKNOWN_CODING: Final = Kind(501, "unknown-coding", "This transfer coding is not taken")
TOO_MANY: Final = Kind(
    503, "too-many-connections", "There are too many connections", {"Retry-After": "5"}
)

metrics.known(
    metrics.REFUSED,
    *(kind.name for kind in (MALFORMED, SLOW, HEAD_TOO_LARGE, UNKNOWN_CODING, TOO_MANY)),
)


class RefusedError(Exception):
    """A request isn't taken, as *kind* and *detail* say."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def refusal(kind: Kind, detail: str, usual: Iterable[tuple[bytes, bytes]], path: str = "") -> bytes:
    """Write the HTTP answer that refuses a request for *path* and ends its connection.

    *usual* are the headers that every answer has.
    """
    metrics.REFUSED.labels(kind.name).inc()
    metrics.REQUESTS.inc(CONNECTION, status_of(kind.status))
    named = chosen_id(None)
    problem: object = Problem(kind.type, kind.title, kind.status, detail, named)
    media_type = MEDIA_TYPE
    if path.startswith(DROP_IN):
        problem, media_type = {"error": detail}, "application/json"
    body = orjson.dumps(problem)
    headers = {
        "Content-Type": media_type,
        "Content-Length": str(len(body)),
        "Connection": "close",
        HEADER: named,
        **kind.headers,
    }
    status = f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}"
    lines = [status.encode(), *(b": ".join(header) for header in usual)]
    lines += [f"{name}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", body])
