"""A TCP proxy that spoils what it carries: in front of the Valkey, and of the model's endpoint."""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
    from concurrent.futures import Future
    from typing import Any

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HOST = "127.0.0.1"
CHUNK = 1 << 16
LATE_S = 0.4
NO_LINGER = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing sends RST."""


class Mode(enum.Enum):
    """What becomes of a connection."""

    PASS = enum.auto()
    """Nothing."""
    CUT = enum.auto()
    """All are closed; new ones are refused."""
    RESET = enum.auto()
    """It is reset when an answer comes."""
    LATE = enum.auto()
    """Each piece of an answer comes late."""
    HALF_CLOSED = enum.auto()
    """Those there are end from the server's side; new ones end at once."""
    SILENT = enum.auto()
    """What is answered is lost."""


class Proxy:
    """Carries bytes between its *port* and the server that *connect* connects to."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._mode = Mode.PASS
        self._clients: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._listener: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens, without the scheme."""
        return f"{HOST}:{self.port}"

    def spoil(self, mode: Mode) -> None:
        """Do so from now on. From another thread."""
        self._do(self._change(mode))

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Run it in a thread of its own."""
        thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        try:
            self._do(self._listen())
            yield self
        finally:
            self._do(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.result()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._carry, HOST, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        await self._change(Mode.CUT)
        ending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _change(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.CUT and self._listener is not None:
            self._listener.close()
            self._listener = None
            for client in self._clients:
                client.transport.abort()
        if mode is Mode.HALF_CLOSED:
            for client in self._clients:
                _half_close(client)
        if mode is not Mode.CUT and self._listener is None:
            await self._listen()

    async def _carry(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._clients.add(client)
        try:
            answers, server = await self._connect()
        except OSError:
            self._clients.discard(client)
            client.transport.abort()
            return
        if self._mode is Mode.HALF_CLOSED:
            _half_close(client)
        there = asyncio.create_task(_forward(reader, server))
        back = asyncio.create_task(self._answer(answers, client))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients.discard(client)
            there.cancel()
            back.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            server.close()
            client.close()

    async def _answer(self, answers: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await answers.read(CHUNK):
                match self._mode:
                    case Mode.RESET:
                        raw: socket.socket = client.get_extra_info("socket")
                        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                        client.transport.abort()
                        return
                    case Mode.HALF_CLOSED | Mode.SILENT:
                        continue
                    case Mode.LATE:
                        await asyncio.sleep(LATE_S)
                    case Mode.PASS | Mode.CUT:
                        pass
                if not client.is_closing():
                    client.write(piece)
                    await client.drain()


async def _forward(reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(CHUNK):
            server.write(piece)
            await server.drain()


def _half_close(client: asyncio.StreamWriter) -> None:
    if not client.is_closing():
        client.write_eof()
