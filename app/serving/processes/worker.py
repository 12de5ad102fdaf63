"""A process that serves: uvicorn's, which is alive as long as its event loop turns.

uvicorn's own answers its supervisor from a thread of its own, whatever the loop does, and is waited
for: a worker that stands still would keep the supervisor from all others, and from its signals.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from uvicorn.supervisors.multiprocess import Process

from app.serving.processes.door import Server

if TYPE_CHECKING:
    from socket import socket

    from uvicorn.config import Config


class Worker(Process):
    """A process that takes clients from *sockets*; made in the supervisor, and pickled into it.

    ``relieved`` tells it that another one is ready, ``has_answered`` that it has come as far as to
    answer the process above it.
    """

    def __init__(self, config: Config, sockets: list[socket], *, relieved: bool) -> None:
        super().__init__(config, sockets)
        self.relieved = relieved
        self._asked: float | None = None
        self._ready = False
        self.has_answered = False

    def is_alive(self, timeout: float = 5) -> bool:
        """Return whether it lives, and leaves nothing unanswered for longer than *timeout* seconds.

        It asks and waits for nothing: the answer is there the next time.
        """
        if not self.process.is_alive():
            return False
        try:
            if self._asked is not None and self.parent_conn.poll():
                self._ready = self.parent_conn.recv()
                self._asked = None
                self.has_answered = True
            if self._asked is None:
                self.parent_conn.send(self.relieved)
                self._asked = time.monotonic()
        except (OSError, EOFError):
            return False
        return time.monotonic() < self._asked + timeout

    @property
    def ready(self) -> bool:
        """Whether it lives and can answer its clients, by what it said last; asks nothing."""
        return self._ready and self.process.is_alive()

    def is_ready(self, timeout: float = 5) -> bool:
        """Return whether it is alive and can answer its clients, by its last answer."""
        return self.is_alive(timeout) and self.ready

    @property
    def server(self) -> Server:
        """The server, in the worker."""
        if self._server is None:
            self._server = Server(self.config, relieved=self.relieved)
        return cast("Server", self._server)

    def pong(self) -> None:
        """Answer the next question, in the worker; the loop has to, once it serves."""
        self.server.relieved = self.child_conn.recv()
        if self.server.loop is None:
            self._answer()
            return
        with suppress(RuntimeError):  # the loop has ended, and so does the process
            self.server.loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self.child_conn.send(self.server.ready)
