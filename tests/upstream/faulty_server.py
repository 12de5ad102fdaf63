"""The tiny model behind HTTP, well until it is told which requests shall fail, and how."""

from __future__ import annotations

import asyncio
import enum
import gzip
import socket
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from app.wire.tensors import TensorSpec
from tests.tiny import SIDE, TinyModel
from tests.upstream.raw_server import ok

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from numpy.typing import NDArray

    from app.detection.search import Images

HOST = "127.0.0.1"
NAME = "tiny"
RETRY_AFTER_S = 7
BOMB_BYTES = 10_000_000
DRIP_S = 0.05
DOWN_S = 0.2
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for a connection that ends with RST."""


class Fault(enum.StrEnum):
    """What a request that is hit gets."""

    REFUSED = "refused"
    RESET = "reset"
    HANG = "hang"
    DRIP = "slow drip"
    ERROR = "500"
    BUSY = "503 with Retry-After"
    HTML = "HTML 200"
    TRUNCATED = "truncated"
    SHORT = "one row short"
    LONG = "one too many"
    NAN = "NaN"
    CLASSES = "another model's classes"
    SHAPE = "wrong shape"
    BOMB = "gzip bomb"
    HALF = "disconnect after half the body"
    RESTART = "restart"
    OTHER = "a different model behind the same URL"


class Hits(enum.Enum):
    """Which infer requests are hit."""

    ALL = enum.auto()
    OWN = enum.auto()
    """Those that hold a client's own image."""
    OTHERS = enum.auto()
    """Those that hold none: probes and references."""


@dataclass
class FaultyServer:
    """An upstream that knows its clients' ``own`` images (n, h, w, c).

    ``infers`` counts the infer requests, ``hit`` those that the fault has hit.
    """

    model: TinyModel
    own: Images
    infers: int = 0
    hit: int = 0
    url: str = ""
    _fault: Fault | None = None
    _hits: Hits = Hits.ALL
    _after: int = 0
    _server: asyncio.Server | None = None
    _down: bool = False
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def arm(self, fault: Fault, hits: Hits, after: int = 0) -> None:
        """Let *fault* befall all requests that it *hits* from now on, but for the first ones."""
        self._fault, self._hits, self._after, self.hit = fault, hits, after, 0

    async def mend(self) -> None:
        """Be well again."""
        self._fault = None
        if self._server is None:
            await self.listen()

    async def listen(self) -> None:
        """Take connections, at the same address as before."""
        port = int(self.url.rpartition(":")[2] or 0)
        self._down = False
        self._server = await asyncio.start_server(self._accept, HOST, port)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    def go_down(self) -> None:
        """Take no connections, and end those that there are."""
        if self._server is not None:
            self._server.close()
        self._server, self._down = None, True
        for writer in self._writers:
            _reset(writer)

    async def end(self) -> None:
        """End everything that goes on."""
        self.go_down()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Know of a connection at once: before a task serves it the server may go down."""
        if self._down:
            _reset(writer)
            return
        self._writers.add(writer)
        self._keep(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled, or let go by its client: either way it ends here.
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while await self._exchange(reader, writer):
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        body = await reader.readexactly(length)
        path = head.split()[1]
        if not path.endswith(b"/infer"):
            writer.write(_described(path))
            return True
        return await self._infer(body, writer)

    async def _infer(self, body: bytes, writer: asyncio.StreamWriter) -> bool:
        self.infers += 1
        tensor = orjson.loads(body)["inputs"][0]
        images = np.array(tensor["data"]).reshape(tensor["shape"]).astype(np.uint8)
        scores = self.model.classify(images).scores
        assert scores is not None
        if self._fault is None or not self._is_hit(images):
            writer.write(ok(_answer(scores)))
            return True
        if self._after:
            self._after -= 1
            writer.write(ok(_answer(scores)))
            return True
        self.hit += 1
        if self._fault in SAID:
            writer.write(SAID[self._fault](scores))
            return True
        await self._fail(self._fault, scores, writer)
        return False

    def _is_hit(self, images: Images) -> bool:
        if self._hits is Hits.ALL:
            return True
        own = bool((images[:, None] == self.own[None]).all(axis=(2, 3, 4)).any())
        return own is (self._hits is Hits.OWN)

    async def _fail(
        self, fault: Fault, scores: NDArray[np.float32], writer: asyncio.StreamWriter
    ) -> None:
        said = ok(_answer(scores))
        match fault:
            case Fault.REFUSED:
                self.go_down()
            case Fault.RESTART:
                self._fault = None
                self.go_down()
                self._keep(asyncio.create_task(self._come_back()))
            case Fault.RESET:
                _reset(writer)
            case Fault.HALF:
                writer.write(said[: len(said) - len(_answer(scores)) // 2])
            case Fault.DRIP:
                for byte in said:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(DRIP_S)
            case _:
                await asyncio.Event().wait()

    async def _come_back(self) -> None:
        await asyncio.sleep(DOWN_S)
        await self.listen()


@asynccontextmanager
async def faulty_server(model: TinyModel, own: Images) -> AsyncIterator[FaultyServer]:
    """Run a server that knows its clients' *own* images."""
    server = FaultyServer(model, own)
    await server.listen()
    try:
        yield server
    finally:
        await server.end()


def _described(path: bytes) -> bytes:
    if path == b"/v2":
        return ok(orjson.dumps({"name": "faulty", "extensions": []}))
    inputs = [TensorSpec("input", "FP32", (-1, SIDE, SIDE, 3))]
    return ok(orjson.dumps({"name": NAME, "inputs": inputs, "outputs": []}))


def _answer(scores: NDArray[np.float32], *shape: int) -> bytes:
    told = {"name": "scores", "datatype": "FP32", "shape": shape or scores.shape}
    data = scores.reshape(-1).tolist()
    return orjson.dumps({"model_name": NAME, "outputs": [{**told, "data": data}]})


def _with_nan(scores: NDArray[np.float32]) -> bytes:
    return ok(_answer(np.full_like(scores, 0.5)).replace(b"0.5", b"NaN", 1))


def _bomb(_: NDArray[np.float32]) -> bytes:
    return ok(gzip.compress(bytes(BOMB_BYTES), 1), "Content-Encoding: gzip")


def _busy(_: NDArray[np.float32]) -> bytes:
    said = f"Retry-After: {RETRY_AFTER_S}"
    return ok(b'{"error": "full"}', said, status="503 Service Unavailable")


def _reset(writer: asyncio.StreamWriter) -> None:
    opened: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):  # it is closed already
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


SAID: dict[Fault, Callable[[NDArray[np.float32]], bytes]] = {
    Fault.ERROR: lambda _: ok(b'{"error": "out of memory"}', status="500 Internal Server Error"),
    Fault.BUSY: _busy,
    Fault.HTML: lambda _: ok(b"<html>Sign in</html>", "Content-Type: text/html"),
    Fault.TRUNCATED: lambda scores: ok(_answer(scores)[: len(_answer(scores)) // 2]),
    Fault.SHORT: lambda scores: ok(_answer(scores[:-1])),
    Fault.LONG: lambda scores: ok(_answer(np.concatenate([scores, scores[:1]]))),
    Fault.NAN: _with_nan,
    Fault.CLASSES: lambda scores: ok(_answer(np.pad(scores, ((0, 0), (0, 1))))),
    Fault.SHAPE: lambda scores: ok(_answer(scores, len(scores), 2, 2)),
    Fault.BOMB: _bomb,
    Fault.OTHER: lambda scores: ok(_answer(np.roll(scores, 1, axis=1))),
}
"""Faults that are an answer, by what it is."""
