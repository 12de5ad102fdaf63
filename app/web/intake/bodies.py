"""The bodies of requests: each no larger than allowed, and all that a worker holds together, too.

Starlette's own limit answers in plain text where the size was announced, and without a request id;
here an error is raised instead, and the table of `problems` makes the answer.

Errors::

    BodyTooLargeError    the request's body is larger than allowed
    OverloadedError      the bodies of all requests are
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from app.web.intake.heads import header

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from fastapi import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LENGTH: Final = b"content-length"

HELD_AT_LEAST: Final = 256 * 2**20
LARGEST_TOGETHER: Final = 8
_DIGITS: Final = 18  # of a length that a computer can have


class BodyTooLargeError(Exception):
    """The request's body is larger than allowed."""

    def __init__(self, max_body: int) -> None:
        super().__init__(f"the body is too large; at most {max_body:,} bytes are taken")


class OverloadedError(Exception):
    """The gateway holds as much for other requests as it can; nothing is wrong with this one."""

    def __init__(self) -> None:
        super().__init__("too many large requests are being answered; try again")


class Bodies:
    """What a worker holds of the bodies of all requests that it is answering, in bytes.

    That is at most *most*: if None, `HELD_AT_LEAST` or as many as `LARGEST_TOGETHER` of the largest
    bodies take, whichever is more.
    """

    def __init__(self, max_body: int, most: int | None = None) -> None:
        self.max_body = max_body
        self.held = 0
        self.most = max(HELD_AT_LEAST, LARGEST_TOGETHER * max_body) if most is None else most


class Body:
    """One request's body: `receive` counts what comes; the count is given back at the block's end.

    An *announced* size (Content-Length) is refused at the first read; chunks are counted. Raises
    BodyTooLargeError, OverloadedError.
    """

    def __init__(self, bodies: Bodies, announced: str | None, receive: Receive) -> None:
        self._bodies = bodies
        self._receive = receive
        self._announced = 0
        if announced is not None and announced.isdecimal():
            self._announced = int(announced[:_DIGITS])
        self._read = 0
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._bodies.held -= self._held
        del self._receive  # it holds the request, which holds this body: neither would be let go

    async def receive(self) -> Message:
        """Return the next message (ASGI)."""
        self._expect()
        message = await self._receive()
        self._take(message.get("body", b""))
        return message

    def hold(self, size: int) -> None:
        """Count *size* more bytes, which the body has become, until the block's end."""
        self._check(size, size)
        self._bodies.held += size
        self._held += size

    async def whole(self) -> bytes:
        """Read the body to its end. Raises ClientDisconnect too."""
        self._expect()
        chunks, more = [], True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            self._take(chunk)
            chunks.append(chunk)
            more = message.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _expect(self) -> None:
        if self._announced and not self._read:
            self._check(self._announced, self._announced)

    def _take(self, chunk: bytes) -> None:
        came = len(chunk)
        self._read += came
        self._check(self._read, came)
        self._bodies.held += came
        self._held += came

    def _check(self, size: int, more: int) -> None:
        """Return if the body may have *size* bytes, and all together *more* than they have."""
        bodies = self._bodies
        if size > bodies.max_body:
            raise BodyTooLargeError(bodies.max_body)
        if bodies.held + more > bodies.most:
            raise OverloadedError


class BodyLimit:
    """ASGI middleware: the application reads each body as a `Body`."""

    def __init__(self, app: ASGIApp, bodies: Bodies) -> None:
        self._app = app
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with Body(self._bodies, header(scope, LENGTH), receive) as body:
            scope.setdefault("state", {})["body"] = body
            await self._app(scope, body.receive, send)


def held_body(request: Request) -> Body:
    """Return the body of *request* as it is counted."""
    body: Body = request.state.body
    return body
