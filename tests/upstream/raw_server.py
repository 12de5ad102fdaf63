"""A server that sends whatever bytes it is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

import orjson

from app.wire.tensors import TensorSpec

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable


@dataclass(frozen=True)
class Reaction:
    """What a raw server does about one infer request."""

    raw: bytes = b""
    then: Literal["keep", "close", "hang"] = "keep"


@dataclass
class RawServer:
    """An upstream that sends the bytes it is told; it doesn't look at what it is asked.

    ``react`` gets the number of the infer request, from 1. ``infers`` has, for each of them, the
    number of the connection it came on, and ``heads`` its head. With ``lonely`` each metadata
    request has a connection of its own, so that the infer request comes on a fresh one. Without
    ``extensions`` the server doesn't describe itself (404).
    """

    react: Callable[[int], Reaction]
    extensions: tuple[str, ...] | None = ()
    lonely: bool = False
    inputs: tuple[TensorSpec, ...] = (TensorSpec("input", "FP32", (-1, 6, 5, 1)),)
    outputs: tuple[TensorSpec, ...] = ()
    infers: list[int] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        connection = self.connections
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._exchange(reader, writer, connection):
                pass
        writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> bool:
        head = await _request(reader)
        path = head.split()[1]
        if not path.endswith(b"/infer"):
            writer.write(self._metadata(path))
            await writer.drain()
            return not self.lonely
        self.infers.append(connection)
        self.heads.append(head)
        reaction = self.react(len(self.infers))
        writer.write(reaction.raw)
        await writer.drain()
        if reaction.then == "hang":
            await reader.read()
        return reaction.then == "keep"

    def _metadata(self, path: bytes) -> bytes:
        connection = "Connection: close" if self.lonely else ""
        if path == b"/v2" and self.extensions is None:
            return ok(b"", connection, status="404 Not Found")
        described = (
            {"name": "raw", "extensions": self.extensions}
            if path == b"/v2"
            else {"name": "digits", "inputs": self.inputs, "outputs": self.outputs}
        )
        return ok(orjson.dumps(described), connection)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
    return head


def ok(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Write an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *filter(None, headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def listening(server: RawServer, at: socket.socket) -> AsyncIterator[None]:
    """Let *server* answer at the socket *at*."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await server.handle(reader, writer)
        writer.close()

    opened = await asyncio.start_server(handle, sock=at)
    yield
    opened.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
