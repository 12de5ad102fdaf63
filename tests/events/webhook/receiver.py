"""A receiver of webhooks, on a real socket: it fails, hangs, goes and comes back as it is told."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import orjson


@dataclass(frozen=True)
class Post:
    """What was posted: its head's lines by their names in lower case, and its body."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> Any:
        """The body, read."""
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """It answers with ``replies`` one after the other, then with 204; None of them hangs."""

    replies: list[bytes | None] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._answering: set[asyncio.Task[None]] = set()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it is, with a secret in it."""
        return f"http://127.0.0.1:{self.port}/hooks/s3cret?token=s3cret"

    @property
    def ids(self) -> list[str]:
        """The ids of what was posted, in its order."""
        return [post.headers["webhook-id"] for post in self.posts]

    async def start(self) -> None:
        """Be there."""
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Be away."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._answer(reader, writer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answered(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            pairs = (one.partition(": ") for one in head[1:] if one)
            headers = {name.lower(): value for name, _, value in pairs}
            body = await reader.readexactly(int(headers["content-length"]))
            self.posts.append(Post(head[0], headers, body))
            reply = self.replies.pop(0) if self.replies else answer(204)
            if reply is None:
                await reader.read()
            else:
                writer.write(reply)
                await writer.drain()


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Return an answer of this *status*."""
    lines = (f"HTTP/1.1 {status} X", *headers)
    length = () if status == 204 else (f"Content-Length: {len(body)}",)
    return "\r\n".join((*lines, *length, "", "")).encode() + body
