"""Every request has an id: the caller's, or one made here; it comes back in header and bodies."""

from __future__ import annotations

import itertools
import re
from secrets import token_hex
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"

_PREFIX = token_hex(8)
_numbers = itertools.count()
"""With the prefix of this process they are nobody else's; a random id costs twenty times more."""

# Nothing that could break a log line or a header, and no more than a log line bears.
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestIds:
    """ASGI middleware that gives each request its id and says it in the response's header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = chosen_id(Headers(scope=scope).get(HEADER))
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)


def request_id(request: Request) -> str:
    """Return the id of *request*."""
    return str(request.scope["state"]["request_id"])  # `request.state` takes four times as long


def chosen_id(offered: str | None) -> str:
    """Return the id that a caller has *offered*, if it is fit for logs, or else a new one."""
    return (
        offered if offered and _ACCEPTABLE.fullmatch(offered) else f"{_PREFIX}{next(_numbers):016x}"
    )
