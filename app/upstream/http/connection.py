"""One HTTP/1.1 connection to the upstream: one exchange at a time, and nothing is guessed.

The parser is httptools' (llhttp), as in uvicorn. Whatever doesn't end as it should closes the
connection, so that no answer is ever taken for another one's.

Errors::

    ConnectionBrokenError   it ended before the answer did; ``begun`` if some of that had come
    NoHttpError             what came is no HTTP/1.1 answer
    TooLargeError           the answer is larger than allowed
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httptools

if TYPE_CHECKING:
    from collections.abc import Iterable

KIBIBYTE: Final = 1024
PIECE: Final = 256 * KIBIBYTE
"""How much of a request is handed to the socket at once."""
HEAD_BYTES: Final = 32 * KIBIBYTE
"""How large an answer's status line and headers may be."""
LINE_BYTES: Final = 4
"""A colon, a blank and the end of a line."""
ERROR_BYTES: Final = 64 * KIBIBYTE
"""How much of an error's body is read."""
SWITCHING, SUCCESS, REDIRECTION = 101, 200, 300


class ConnectionBrokenError(Exception):
    """The connection ended before the answer did."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__("its answer broke off" if begun else "the connection broke")
        self.begun = begun


class NoHttpError(Exception):
    """What came is no HTTP/1.1 answer."""


class TooLargeError(Exception):
    """The answer is larger than allowed."""


@dataclass(eq=False)
class Response:
    """An answer; ``headers`` by their names in lower case."""

    status: int = 0
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    @property
    def good(self) -> bool:
        """Whether its status is one of success."""
        return SUCCESS <= self.status < REDIRECTION


class Connection(asyncio.Protocol):
    """A connection. ``used`` counts its exchanges; ``idle_since`` is when the last one ended."""

    def __init__(self) -> None:
        self.used = 0
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._answer: asyncio.Future[Response] | None = None
        self._most = 0

    @property
    def open(self) -> bool:
        """Whether it can be used for another exchange."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(
        self, head: bytes, parts: Iterable[bytes | memoryview], most: int
    ) -> Response:
        """Send a request and return its answer, whose body is at most *most* bytes long.

        Of an error's body the beginning is enough. Raises ConnectionBrokenError, NoHttpError,
        TooLargeError; after these, and where it is cancelled, the connection is closed.
        """
        self.used += 1
        self._begin(most)
        assert self._answer is not None  # noqa: S101  # as it has just begun
        try:
            written = await self._write(head, parts)
            response = await self._answer
        except BaseException:
            self.close()
            raise
        else:
            if not written or self._unsent:
                self.close()  # what is left of this request would be the beginning of the next
            return response
        finally:
            self._answer = None
            self.idle_since = self._loop.time()

    def close(self) -> None:
        """Close it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _begin(self, most: int) -> None:
        self._most = most
        self._response = Response()
        self._head_bytes = 0
        self._headed = self._begun = False
        self._parser = httptools.HttpResponseParser(self)
        self._answer = self._loop.create_future()

    @property
    def _unsent(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    async def _write(self, head: bytes, parts: Iterable[bytes | memoryview]) -> bool:
        """Send a request; return False if its answer came before all of it was sent."""
        transport = self._transport
        if transport is None:
            raise ConnectionBrokenError(begun=False)
        small = [head]
        size = len(head)
        for part in parts:
            view = memoryview(part)
            if size + len(view) <= PIECE:
                small.append(view)  # type: ignore[arg-type]  # join takes views
                size += len(view)
                continue
            transport.write(b"".join(small))
            small, size = [], 0
            for start in range(0, len(view), PIECE):
                if not await self._drained():
                    return False
                transport.write(view[start : start + PIECE])
        if small:
            transport.write(b"".join(small))
        return True

    async def _drained(self) -> bool:
        """Wait until the socket takes more; return False if the answer came before it did."""
        answer = self._answer
        assert answer is not None  # noqa: S101  # within an exchange
        if self._writable.is_set():
            return not answer.done()
        waiting = asyncio.create_task(self._writable.wait())
        either: tuple[asyncio.Future[Any], ...] = (waiting, answer)
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        return not answer.done()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = transport  # type: ignore[assignment]  # a Protocol's is a Transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the exchange, unless its answer ends with the connection."""
        self._transport = None
        self._writable.set()
        headers = self._response.headers if self._answer is not None else {}
        endless = "content-length" not in headers and "transfer-encoding" not in headers
        if self._answer is None or self._answer.done():
            return
        if exc is None and self._headed and endless:
            self._answer.set_result(self._response)
        else:
            self._answer.set_exception(ConnectionBrokenError(begun=self._begun))

    def pause_writing(self) -> None:
        """Hear that the socket is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Hear that it isn't any more."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Parse what came; what comes without a request closes the connection."""
        if self._answer is None or self._answer.done():
            self.close()
            return
        self._begun = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            ours = exc.__context__  # what a callback below has raised
            self._fail(ours if isinstance(ours, TooLargeError) else NoHttpError(str(exc)))

    def eof_received(self) -> None:
        """Let the connection be lost."""

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin an answer: the one that is waited for, or after an informational one again."""
        if self._answer is None or self._answer.done():
            message = "it says more than it was asked"
            raise NoHttpError(message)
        if self._response.status:  # an informational one's
            self._response = Response()
        self._headed = False

    def on_status(self, status: bytes) -> None:
        """Take the words of the status line."""
        self._count(len(status))
        self._response.reason += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; of several of one name the last one."""
        self._count(len(name) + len(value))
        self._response.headers[str(name, "latin-1").lower()] = str(value, "latin-1")

    def _count(self, size: int) -> None:
        self._head_bytes += size + LINE_BYTES
        if self._head_bytes > HEAD_BYTES:
            message = "its headers are too large"
            raise NoHttpError(message)

    def on_headers_complete(self) -> None:
        """Take the status."""
        self._response.status = self._parser.get_status_code()
        self._headed = self._response.status >= SUCCESS
        if self._response.status == SWITCHING:
            message = "it wants to speak another protocol"
            raise NoHttpError(message)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, as long as it isn't too large."""
        response = self._response
        response.body += body
        if response.good and len(response.body) > self._most:
            message = f"the upstream's answer is larger than {self._most} bytes"
            raise TooLargeError(message)
        if not response.good and len(response.body) > ERROR_BYTES:
            del response.body[ERROR_BYTES:]
            self._finish(reusable=False)

    def on_message_complete(self) -> None:
        """End the answer, unless it was an informational one."""
        if self._headed:
            self._finish(reusable=self._parser.should_keep_alive())

    def _finish(self, *, reusable: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._response)
        if not reusable:
            self.close()

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()
