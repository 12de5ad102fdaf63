"""A body that is too large is refused before it is read whole.

Starlette's own limit answers in plain text where the size was announced, and without a request id;
here an error is raised instead, and the table of `problems` makes the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyTooLargeError(Exception):
    """The request's body is larger than allowed."""

    def __init__(self, max_body: int) -> None:
        super().__init__(f"the body is too large; at most {max_body:,} bytes are taken")


class BodyLimit:
    """ASGI middleware: reading more than *max_body* bytes raises BodyTooLargeError.

    An announced size (Content-Length) is refused at the first read; chunks are counted.
    """

    def __init__(self, app: ASGIApp, max_body: int) -> None:
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        expected = int(announced) if announced.isdecimal() else 0
        read = 0

        async def receive_counted() -> Message:
            nonlocal read
            if expected > self._max_body:
                raise BodyTooLargeError(self._max_body)
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_body:
                raise BodyTooLargeError(self._max_body)
            return message

        await self._app(scope, receive_counted, send)
