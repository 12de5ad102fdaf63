"""A client that doesn't read its answer isn't waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import metrics

if TYPE_CHECKING:
    import asyncio


class WatchingReaders(HttpToolsProtocol):
    """A connection that ends if its client takes no byte of an answer for `ANSWER_S`.

    An answer that goes out at once, as almost all do, meets no clock.
    """

    ANSWER_S: ClassVar = 30.0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unread: _Unread | None = None

    def on_response_complete(self) -> None:
        """End the exchange, but for what the client has yet to read."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._watch()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on with the answer."""
        super().resume_writing()
        self._forget()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for long."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # closing it would wait for its client to read
        super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a client."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn doesn't after an error
        self._forget()

    def _watch(self) -> None:
        self._forget()
        self._unread = _Unread(self.transport, self.loop, self.ANSWER_S)

    def _forget(self) -> None:
        if self._unread is not None:
            self._unread.forget()
            self._unread = None


class _Unread:
    """What a client has yet to read. To be forgotten when there is more to read than that."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, limit_s: float
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._limit_s = limit_s
        self._watch()

    def forget(self) -> None:
        self._timer.cancel()

    def _watch(self) -> None:
        self._left = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._limit_s, self._look)

    def _look(self) -> None:
        left = self._transport.get_write_buffer_size()
        if 0 < left >= self._left:
            metrics.CONNECTIONS_CUT.labels("answer").inc()
            self._transport.abort()
        elif left:
            self._watch()
