"""A TCP proxy that cuts, delays, half-closes and swallows what goes through it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST = "127.0.0.1"
CHUNK = 65_536


class Proxy:
    """It passes bytes on to *target*, a port on this machine or a unix socket, in its own loop.

    ``delay_s`` holds every answer back. While ``black_hole`` is set no byte passes; while
    ``refusing`` is set connections are closed at once.
    """

    def __init__(self, target: int | Path) -> None:
        self._target = target
        self._pairs: set[tuple[StreamWriter, StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stalled: set[StreamWriter] = set()
        self.delay_s = 0.0
        self.black_hole = False
        self.refusing = False
        self.port = 0

    @property
    def connections(self) -> int:
        """How many connections go through it now."""
        return len(self._pairs)

    def cut(self) -> None:
        """Reset all connections, in the middle of whatever they carry."""
        for writers in self._pairs:
            for writer in writers:
                writer.transport.abort()

    def stall(self) -> None:
        """Let nothing pass any more on the connections of now; new ones are all right."""
        self._stalled |= {writer for pair in self._pairs for writer in pair}

    def half_close(self) -> None:
        """Tell the clients that no answer will follow, but go on taking what they send."""
        for client, _ in self._pairs:
            with suppress(OSError, RuntimeError):
                client.write_eof()

    def behave(self) -> None:
        """Pass everything on again; connections that were broken stay so."""
        self.delay_s, self.black_hole, self.refusing = 0.0, False, False

    async def accept(self, reader: StreamReader, client: StreamWriter) -> None:
        """Serve one connection until an end of it closes."""
        self._tasks.add(task := asyncio.current_task())  # type: ignore[arg-type]  # there is one
        try:
            if not self.refusing:
                await self._serve(reader, client)
        finally:
            client.close()
            self._tasks.discard(task)

    async def close(self) -> None:
        """End all connections."""
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: StreamReader, client: StreamWriter) -> None:
        try:
            answers, server = await self._reach()
        except OSError:  # the target is away, and so is the proxy
            return
        pair = (client, server)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(self._pass(reader, server, late=False))
                answering = group.create_task(self._pass(answers, client, late=True))
                await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
                asking.cancel()
                answering.cancel()
        finally:
            self._pairs.discard(pair)
            server.close()

    async def _reach(self) -> tuple[StreamReader, StreamWriter]:
        if isinstance(self._target, int):
            return await asyncio.open_connection(HOST, self._target)
        return await asyncio.open_unix_connection(self._target)

    async def _pass(self, reader: StreamReader, writer: StreamWriter, *, late: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if late:
                    await asyncio.sleep(self.delay_s)
                if not self.black_hole and writer not in self._stalled:
                    with suppress(RuntimeError):  # half closed: what is said now is lost
                        writer.write(data)
                        await writer.drain()


@asynccontextmanager
async def through(target: int | Path) -> AsyncIterator[Proxy]:
    """Run a proxy in front of *target*."""
    proxy = Proxy(target)
    async with await asyncio.start_server(proxy.accept, HOST, 0) as listener:
        proxy.port = listener.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            listener.close()
            await proxy.close()
