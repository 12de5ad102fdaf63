"""HTTP on our own connections: what servers may do, and what they mayn't."""

from __future__ import annotations

import asyncio
import base64
import gzip
from contextlib import asynccontextmanager, suppress
from traceback import walk_tb
from typing import TYPE_CHECKING

import pytest

from app.ports import UpstreamAnswerError, UpstreamStatusError, UpstreamUnreachableError
from app.tracing.exporting import exporting
from app.upstream.http.connection import ERROR_BYTES
from app.upstream.http.limits import Limits
from app.upstream.http.session import Access, Session
from app.wire.writing import Message
from tests.collector import collector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

LIMITS = Limits(timeout_s=5.0, answer_bytes=100_000)


class Server:
    """Answers each request with the bytes that ``say`` returns for its number, from 0."""

    def __init__(self, say: Callable[[int], list[bytes | None]]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.tasks: list[asyncio.Task[object] | None] = []
        self._say = say

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; None closes it."""
        self.tasks.append(asyncio.current_task())
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.requests.append(head + await reader.readexactly(length))
                for piece in self._say(len(self.requests) - 1):
                    if piece is None:
                        return
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()
        finally:
            writer.close()


@asynccontextmanager
async def talking(
    *said: bytes | None,
    url: str = "http://127.0.0.1:{}/base",
    access: Access | None = None,
    limits: Limits = LIMITS,
) -> AsyncIterator[tuple[Session, Server]]:
    """Open a session to a server that says the same of every request."""
    server = Server(lambda _: list(said))
    opened = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    port = opened.sockets[0].getsockname()[1]
    async with opened:
        async with Session(url.format(port), limits, access) as session:
            yield session, server
        await asyncio.gather(*filter(None, server.tasks))


def ok(body: bytes, *headers: str) -> bytes:
    """Write an answer."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        [ok(b"hello")],
        [ok(b"hello")[:-3], b"llo"],
        [bytes([byte]) for byte in ok(b"hello")],
        [CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"],
        [CHUNKED, b"5\r\nhe", b"llo\r\n0\r\nX-Trailer: 1\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"hello")],
        [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", ok(b"hello")],
        [b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo", None],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", None],
        [ok(gzip.compress(b"hello"), "Content-Encoding: gzip")],
    ],
)
async def test_answers(said: list[bytes | None]) -> None:
    """An answer comes whole, however it is cut, framed or packed, and twice in a row."""
    async with talking(*said) as (session, _):
        for _ in range(2):
            assert b"hello" == (await session.get("/x")).body


async def test_what_is_sent() -> None:
    """A request has the base URL's path, its credentials, and the owner's headers."""
    message = Message({"Content-Type": "a/b"}, (b"one", memoryview(b"two")))
    url = "http://us%20er:p%40ss@127.0.0.1:{}/base/ü/"
    async with talking(ok(b""), url=url, access=Access({"X-Key": "k"})) as (session, server):
        await session.post("/v2/models/a%2Fb/infer", message)
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert "POST /base/%C3%BC/v2/models/a%2Fb/infer HTTP/1.1" == lines[0]
    basic = base64.b64encode(b"us er:p@ss").decode()
    assert {
        f"Authorization: Basic {basic}",
        "X-Key: k",
        "Content-Type: a/b",
        "Content-Length: 6",
        "Accept-Encoding: identity",
    } < set(lines[1:])
    assert b"onetwo" == body


async def test_address_itself() -> None:
    """Without a path the root is asked, and a path that is the address itself stays as it is."""
    async with talking(ok(b""), url="http://127.0.0.1:{}") as (session, server):
        await session.get("")
    async with talking(ok(b""), url="http://127.0.0.1:{}/a:predict") as (session, other):
        await session.get("")
    assert server.requests[0].startswith(b"GET / HTTP/1.1\r\n")
    assert other.requests[0].startswith(b"GET /a:predict HTTP/1.1\r\n")


async def test_connections_are_kept() -> None:
    """Consecutive requests share one connection; concurrent ones each have their own."""
    async with talking(ok(b"x")) as (session, server):
        for _ in range(3):
            await session.get("/")
        assert 1 == server.connections
        await asyncio.gather(*[session.get("/") for _ in range(3)])
        assert 1 < server.connections <= 3


async def test_large_request_and_answer() -> None:
    """What is larger than the socket's buffers comes whole both ways."""
    sent = bytes(range(256)) * 40_000
    message = Message({}, (b"head", memoryview(sent)))
    async with talking(ok(bytes(99_999))) as (session, server):
        assert bytes(99_999) == (await session.post("/", message)).body
    assert server.requests[0].endswith(b"head" + sent)


async def test_early_refusal_of_a_large_request() -> None:
    """A server that refuses a body before it has read it is heard, as often as it does that.

    The rest of the body is never sent before the next request.
    """
    done, tasks = asyncio.Event(), []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await done.wait()  # and reads no more
        writer.transport.abort()

    opened = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{opened.sockets[0].getsockname()[1]}"
    async with opened:
        async with Session(url, LIMITS) as session, asyncio.timeout(4):
            for _ in range(3):
                with pytest.raises(UpstreamStatusError, match="413: Too Large"):
                    await session.post("/", Message({}, (bytes(30_000_000),)))
        done.set()
        await asyncio.gather(*filter(None, tasks))


@pytest.mark.parametrize(
    ("said", "error", "reason"),
    [
        ([ok(bytes(100_001))], UpstreamAnswerError, "larger than 100000"),
        ([CHUNKED, b"186a1\r\n" + bytes(100_001)], UpstreamAnswerError, "larger than 100000"),
        (
            [ok(gzip.compress(bytes(10**6)), "Content-Encoding: gzip")],
            UpstreamAnswerError,
            "more than 100000",
        ),
        ([ok(b"x", "Content-Encoding: gzip")], UpstreamAnswerError, "not one whole gzip"),
        ([ok(b"xyz", "Content-Encoding: gzip")], UpstreamAnswerError, "can't be unpacked"),
        ([ok(b"x", "Content-Encoding: br")], UpstreamAnswerError, "packed as 'br'"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000], UpstreamAnswerError, "speak HTTP"),
        ([CHUNKED + b"x\r\n"], UpstreamAnswerError, "speak HTTP"),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"],
            UpstreamAnswerError,
            "speak HTTP",
        ),
        (
            [b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
            UpstreamAnswerError,
            "speak HTTP",
        ),
        ([CHUNKED + b"5\r\nhel", None], UpstreamUnreachableError, "broke off"),
        ([ok(b"hello")[:-1], None], UpstreamUnreachableError, "broke off"),
        ([b"HTTP/1.1 200", None], UpstreamUnreachableError, "broke off"),
        ([None], UpstreamUnreachableError, "the connection broke"),
        ([b"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", None], UpstreamStatusError, "301: Moved"),
        (
            [b"HTTP/1.1 500 Oops\r\nContent-Length: 999999\r\n\r\n", bytes(2 * ERROR_BYTES)],
            UpstreamStatusError,
            "500: Oops",
        ),
    ],
)
async def test_bad_answers(said: list[bytes | None], error: type[Exception], reason: str) -> None:
    """Each bad answer is an error of its own, raised as soon as it can be seen."""
    async with talking(*said) as (session, _), asyncio.timeout(4):
        with pytest.raises(error, match=reason):
            await session.get("/")


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [
        ("503 X", "7", 7.0),
        ("429 X", "0", 0.0),
        ("503 X", "Fri, 01 Jan 2100 00:00:00 GMT", 30.0),
        ("503 X", "soon", None),
        ("500 X", "7", None),
    ],
)
async def test_when_to_ask_again(status: str, value: str, expected: float | None) -> None:
    """A server that has too much to do may say when it wants to be asked again."""
    head = f"HTTP/1.1 {status}\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n"
    async with talking(head.encode()) as (session, _):
        with pytest.raises(UpstreamStatusError) as caught:
            await session.get("/")
    assert expected == caught.value.retry_after_s


async def test_what_grows_too_much_is_not_unpacked() -> None:
    """A small body that would become a large one is no answer, however much one may have."""
    bomb = ok(gzip.compress(bytes(5 * 2**20)), "Content-Encoding: gzip")
    async with talking(bomb, limits=Limits()) as (session, _):
        with pytest.raises(UpstreamAnswerError, match="more than 4194304 bytes"):
            await session.get("/")


async def test_what_was_too_large_is_let_go_of() -> None:
    """Whoever keeps the error doesn't keep what was unpacked with it."""
    bomb = ok(gzip.compress(bytes(10**6)), "Content-Encoding: gzip")
    async with talking(bomb) as (session, _):
        with pytest.raises(UpstreamAnswerError) as caught:
            await session.get("/")
    frames = [frame for frame, _ in walk_tb(caught.value.__traceback__)]
    kept = [value for frame in frames for value in frame.f_locals.values()]
    assert [] == [len(v) for v in kept if isinstance(v, bytes) and len(v) > LIMITS.answer_bytes]


async def test_more_than_was_asked() -> None:
    """What a server says beyond its answer is never taken for the next one."""
    async with talking(ok(b"one") + ok(b"two")) as (session, server):
        for _ in range(3):
            assert b"one" == (await session.get("/")).body
    assert 3 == server.connections


async def test_abandoned_exchange_closes_its_connection() -> None:
    """An answer that comes after its caller has gone reaches nobody."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    numbers = iter(range(9))

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(numbers)
        while await reader.readuntil(b"\r\n\r\n"):
            asked.set()
            if number == 0:
                await go_on.wait()
            writer.write(ok(b"%d" % number))

    tasks: list[asyncio.Task[object] | None] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await slow(reader, writer)
        writer.transport.abort()

    opened = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{opened.sockets[0].getsockname()[1]}"
    async with opened:
        async with Session(url, LIMITS) as session:
            abandoned = asyncio.create_task(session.get("/"))
            await asked.wait()
            abandoned.cancel()
            await asyncio.wait([abandoned])
            go_on.set()
            assert b"1" == (await session.get("/")).body
        await asyncio.gather(*filter(None, tasks))


async def test_server_is_told_in_which_span_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where traces are sent its span comes between the caller's and what the server makes of it."""
    with collector() as it:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", it.url)
        async with exporting(), talking(ok(b"{}")) as (session, server):
            caller = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
            await session.post("/infer", Message(caller, (b"",)))
    asked = it.spans["upstream"]
    told = f"traceparent: 00-{asked.trace_id.hex()}-{asked.span_id.hex()}-"
    assert told.encode() in server.requests[0]
    assert 1 == server.requests[0].count(b"traceparent")
