"""HTTP as the gateway's workers speak it: uvicorn's, with limits for clients that are slow.

uvicorn waits for ever: for the rest of a request, and for a client that doesn't read its answer.
Here a connection is closed

- that sends nothing for `HEAD_S` after it was opened, `CROWDED_S` if there are many (kept alive
  between requests it may be idle for longer, that is uvicorn's own limit);
- whose request's head isn't complete `HEAD_S` after its first byte, or is larger than `HEAD_SIZE`;
- whose request's body isn't complete after `BODY_S` and what its size takes at `BODY_RATE`;
- that takes no byte of its answer for `ANSWER_S`;
- that is one too many (`Config.limit_concurrency`), or has been idle for longest then.

The client is told why where nothing was answered yet; what it has asked whole before is answered
and the connection closed then. A request that comes in one piece, as almost
all do, meets no clock: only one whose end is awaited has a timer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final

from app import metrics
from app.gateway.readiness import Door, Drain
from app.serving.http.answers import Exchange
from app.serving.http.heads import DEAF, PlainHeads
from app.serving.http.idle import close_longest_idle
from app.serving.http.refusals import HEAD_TOO_LARGE, SLOW, TOO_MANY, refusal
from app.serving.http.unheard import Unheard
from app.web.service import DOOR, DRAIN

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from app.web.answering.problems import Kind

SPARE: Final = 50
"""Connections above the limit that are told why; any more are closed without a word."""


class Protocol(PlainHeads):
    """One connection."""

    HEAD_S: ClassVar = 10.0
    CROWDED_S: ClassVar = 2.0
    """In place of the first `HEAD_S`, when half of the connections there may be are taken."""
    BODY_S: ClassVar = 20.0
    BODY_RATE: ClassVar = 16 * 1024
    """In bytes a second."""
    LAST_S: ClassVar = 1.0
    """What is left for the head of a request when the server ends."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._drain: Drain = app_state.get(DRAIN) or Drain()
        self._door: Door = app_state.get(DOOR) or Door()
        self._most, self.limit_concurrency = self.limit_concurrency, None  # uvicorn's is plain text
        self._running: RequestResponseCycle | None = None  # the others wait in `pipeline`
        self._in_body = False  # of a request: else in its head, or before it
        self._size = 0  # of what has come of that part since its begin, in bytes
        self._body_size = 0  # of all bodies; those of one request came since...
        self._body_begin = 0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let a client in, for its first request."""
        super().connection_made(transport)
        metrics.CONNECTIONS.inc()
        self._unheard = Unheard(transport, self.loop, self.pipeline)
        open_now, most = len(self.connections), self._most or math.inf
        first_s = self.HEAD_S if open_now <= most / 2 else self.CROWDED_S
        self._expect_by(self.loop.time() + first_s)
        if open_now > most and not close_longest_idle(self.connections):
            metrics.CONNECTIONS_CUT.labels("surplus").inc()
            self.app = self._refuse
            if open_now > most + SPARE:
                transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a client."""
        super().connection_lost(exc)
        self._tell_gone()
        metrics.CONNECTIONS.dec()
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take *data*, and wait for the rest of the request if it isn't whole now."""
        cycle, in_body = self.cycle, self._in_body
        super().data_received(data)
        # With no new cycle no head was completed: these bytes are a part of one, or before it.
        if self._in_body or (not in_body and self.cycle is cycle):
            self._expect_more(len(data))

    def on_headers_complete(self) -> None:
        """Hand the request to the application, which reads its body."""
        cycle = self.cycle
        super().on_headers_complete()
        if self.cycle is cycle:
            return  # the head will be written anew
        self.cycle.__class__ = Exchange  # uvicorn makes it itself; its task begins later
        if self.pipeline:
            self._unheard.watch()
        else:
            self._running = self.cycle
        self._in_body, self._since = True, None
        if self._drain.begun or not self._door.open:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        super().on_body(body)
        self._body_size += len(body)

    def on_message_complete(self) -> None:
        """Wait for the next request, if there will be one."""
        super().on_message_complete()
        self._in_body, self._since = False, None

    def on_response_complete(self) -> None:
        """Go on with the request that has waited longest."""
        if self.pipeline:
            self._running = self.pipeline[-1][0]
        super().on_response_complete()

    def shutdown(self) -> None:
        """End, as the server does: but not on a client that has just come in."""
        self._drain.begin()
        if self._coming and not self._answering:
            self._expect_by(self.loop.time() + self.LAST_S)
        else:
            super().shutdown()

    @property
    def _answering(self) -> bool:
        return self._asked and not self.cycle.response_complete

    @property
    def _asked(self) -> bool:
        """Whether there has been a request: before it there is no cycle, whatever its type says."""
        return self.cycle is not None

    @property
    def _coming(self) -> bool:
        """Whether the head of a request is awaited: the first one, or one that has begun."""
        return not self._in_body and (self._since is not None or not self._asked)

    def _expect_more(self, size: int) -> None:
        """Set the deadline for the part of a request of which *size* more bytes have come."""
        if self.transport.is_closing() or self.parser is DEAF:
            return
        if self._since is None:
            # These bytes may also have ended what was before, so they don't count.
            self._since, self._size, self._body_begin = self.loop.time(), 0, self._body_size
        else:
            self._size += size
        body_size = self._body_size - self._body_begin
        # A chunk of one byte takes six. What is longer than that isn't the body but its frame.
        if self._size > self.HEAD_SIZE + 8 * body_size:
            self._cut(HEAD_TOO_LARGE, f"at most {self.HEAD_SIZE:,} bytes are taken")
        elif self._in_body:
            # What comes after the answer is only read so that the client hears it.
            credit = body_size / self.BODY_RATE if self._answering else 0.0
            self._expect_by(self._since + self.BODY_S + credit)
        else:
            self._expect_by(self._since + self.HEAD_S)

    def _expect_by(self, deadline: float) -> None:
        self._deadline = deadline
        if self._timer is not None and self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(deadline, self._look)

    def _look(self) -> None:
        """Look if what was awaited has come; the timer is seldom set anew before it goes off."""
        self._timer = None
        if self.transport.is_closing() or not (self._in_body or self._coming):
            return
        now = self.loop.time()
        if self.flow.read_paused or (self._answering and not self._in_body):
            self._since = now  # the server is the slow one
            self._deadline = now + self.HEAD_S
        if now < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._look)
            return
        part = "body" if self._in_body else "head"
        metrics.CONNECTIONS_CUT.labels(part).inc()
        if self._since is None and not self._in_body:
            self.transport.abort()  # unasked, a word could be taken for an answer
        else:
            self._cut(SLOW, f"the {part} of the request didn't come whole in time")

    def _cut(self, kind: Kind, detail: str) -> None:
        """Take no more, and close the connection: what came whole before is answered first."""
        if self.transport.is_closing():
            return
        if self._in_body and self.pipeline and self._running is not None:
            self.pipeline.popleft()  # the last request, which isn't whole
            self._in_body = False
            self.cycle = self.pipeline[0][0] if self.pipeline else self._running
        if self._answering and not self._in_body:
            metrics.REFUSED.labels(kind.name).inc()
            self.parser = DEAF
            self.cycle.keep_alive = False
            self._since = None
        else:
            self._close(kind, detail)

    def _close(self, kind: Kind, detail: str) -> None:
        """Close the connection, and say why unless something else is being said."""
        running = self._running if self._answering else None
        if (running and running.response_started) or self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            path = running.scope["path"] if running else ""
            self.transport.write(refusal(kind, detail, self.server_state.default_headers, path))
            self.transport.close()
        self._tell_gone()

    def _tell_gone(self) -> None:
        """Let the application know that nobody will hear what it says from now on.

        uvicorn tells that only of the last request.
        """
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        self.pipeline.clear()

    async def _refuse(
        self, _scope: Scope, receive: ASGIReceiveCallable, _send: ASGISendCallable
    ) -> None:
        """Answer in the application's place, on a connection that is one too many."""
        while (await receive()).get("more_body"):
            pass  # a client that is still sending wouldn't hear the answer
        self._close(TOO_MANY, f"this worker has {self._most} already, as many as it takes")
