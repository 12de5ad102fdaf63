"""Requests that HTTP's servers and clients may take differently: none is answered as another."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from app.serving.http.protocol import Protocol
from tests.served_apps import running
from tests.serving.http.connections import (
    PATIENCE_S,
    address_of,
    connected,
    exchange,
    rest,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

INNER = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
"""A request of its own, if the body that it is were not read as one."""

started = threading.Semaphore(0)
go_on = threading.Event()
gone = threading.Semaphore(0)


async def tell(request: Request) -> Response:
    """Answer with what came."""
    body = (await request.body()).decode()
    return JSONResponse({"path": request.url.path, "body": body, **request.headers})


async def hold(_: Request) -> Response:
    """Answer when the test says so."""
    started.release()
    assert await asyncio.to_thread(go_on.wait, PATIENCE_S)
    return PlainTextResponse("held")


async def work(request: Request) -> Response:
    """Work until the client goes."""
    await request.body()
    started.release()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.release()
    return PlainTextResponse("for nobody")


APP = Starlette(
    routes=[
        Route("/hold", hold),
        Route("/work", work),
        Route("/{path:path}", tell, methods=["GET", "POST"]),
    ]
)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Run a server."""
    with running(APP, http=Protocol) as url:
        yield address_of(url)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Return what uvicorn logs, which it keeps from others otherwise."""
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    go_on.clear()
    yield
    go_on.set()


def post(*headers: bytes) -> bytes:
    """Return a request's head."""
    return b"\r\n".join([b"POST /outer HTTP/1.1", b"Host: x", *headers, b"", b""])


UPGRADES = [
    (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    (b"Upgrade: h2c", b"connection: keep-alive", b"CONNECTION: a,uPGRADE"),
    (b"Proxy-Connection: Upgrade", b"Upgrade: h2c"),
    (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
]


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("cut", ["nowhere", "in the head", "behind the head", "in the body"])
def test_a_body_behind_an_upgrade_is_a_body(
    address: tuple[str, int],
    log: pytest.LogCaptureFixture,
    upgrade: tuple[bytes, ...],
    cut: str,
) -> None:
    """Whatever it asks to upgrade to, a client gets HTTP/1.1, and its body is no request."""
    head = post(*upgrade, b"Content-Length: %d" % len(INNER))
    places = {"in the head": 50, "behind the head": len(head), "in the body": len(head) + 9}
    place = places.get(cut, 0)
    with connected(address) as client:
        client.sendall((head + INNER)[:place])
        _settle(address)
        client.sendall((head + INNER)[place:])
        said = rest(client)
    assert 1 == said.count(b"HTTP/1.1 ")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b'"path":"/outer"' in said
    assert b'"body":"GET /inner' in said
    assert not log.messages


def _settle(address: tuple[str, int]) -> None:
    """Let the server, which has one thread, take what has been sent."""
    with connected(address) as client:
        assert b" 200 " in exchange(client)


def test_a_body_in_chunks_behind_an_upgrade_is_a_body(address: tuple[str, int]) -> None:
    """A chunked body behind an Upgrade isn't read as a request either."""
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(INNER), INNER)
    with connected(address) as client:
        client.sendall(post(*UPGRADES[0], b"Transfer-Encoding: chunked"))
        _settle(address)
        client.sendall(chunk)
        said = rest(client)
    assert 1 == said.count(b"HTTP/1.1 ")
    assert b'"body":"GET /inner' in said


@pytest.mark.parametrize("body", [b"", b"body"])
def test_nothing_is_read_behind_an_upgrade(address: tuple[str, int], body: bytes) -> None:
    """A client that asks for a tunnel, which a proxy may have granted, gets a single answer."""
    head = post(*UPGRADES[0], b"Content-Length: %d" % len(body))
    with connected(address) as client:
        client.sendall(head + body + INNER)
        said = rest(client)
    assert 1 == said.count(b"HTTP/1.1 ")
    assert b'"path":"/outer"' in said
    assert b"connection: close" in said


def test_a_get_with_an_upgrade_is_answered(address: tuple[str, int]) -> None:
    """A request without a body is answered as if it had asked for nothing more."""
    with connected(address) as client:
        client.sendall(INNER[:-2] + b"\r\n".join([*UPGRADES[0], b"", b""]))
        said = rest(client)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"upgrade" not in said.lower()


@pytest.mark.parametrize(
    "sent",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
        b"CONNECT x:80 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        post(*UPGRADES[0], b"Content-Length: 3", b"Transfer-Encoding: chunked") + INNER,
        post(b"Upgrade: h2c", b"Connection: a,", b" Upgrade") + INNER,
    ],
    ids=["HTTP/2", "CONNECT", "CONNECT with a body", "two sizes", "folded"],
)
def test_what_is_spoken_by_others_is_refused(
    address: tuple[str, int], log: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """HTTP/2 from the start, tunnels and heads that can be read in two ways are refused."""
    with connected(address) as client:
        client.sendall(sent)
        assert "urn:neo-gateway:malformed-request" == told(rest(client))["type"]
    assert not log.messages


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_may_ask_for_http2(address: tuple[str, int]) -> None:
    """`curl --http2` gets its answer, in HTTP/1.1."""
    url = "http://{}:{}/outer".format(*address)
    command = ["curl", "-s", "--http2", "--noproxy", "*", "--data-binary", "picture", url]
    said = subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S).stdout
    assert b'"body":"picture"' in said


@pytest.mark.parametrize(
    "behind",
    [
        b"\x00garbage\r\n\r\n",
        post(b"Transfer-Encoding: chunked") + b"no size\r\n",
        post(b"Content-Length: 3", b"Content-Length: 5") + b"abcde",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        INNER + b"\x00garbage\r\n\r\n",
    ],
    ids=["no HTTP", "no body", "two sizes", "too large", "after another"],
)
def test_what_is_wrong_behind_a_good_request_ends_only_itself(
    address: tuple[str, int], log: pytest.LogCaptureFixture, behind: bytes
) -> None:
    """Requests that came whole are answered, and the connection ends with their answers."""
    with connected(address) as client:
        client.sendall(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n" + behind)
        assert started.acquire(timeout=PATIENCE_S)
        client.sendall(b"and more")
        _settle(address)
        go_on.set()
        said = rest(client)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"held" in said
    good = 1 + behind.startswith(INNER)
    assert (good, good) == (said.count(b"HTTP/1.1 "), said.count(b" 200 "))
    assert not log.messages


@pytest.mark.parametrize(
    "behind", [b"", INNER, 3 * INNER, post(b"Content-Length: 10"), b"GET /", b"\x00garbage"]
)
def test_who_goes_is_noticed_whatever_is_sent_behind(
    address: tuple[str, int], behind: bytes
) -> None:
    """The application hears of the end of its client, though that has asked for more."""
    with connected(address) as client:
        client.sendall(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n" + behind)
        assert started.acquire(timeout=PATIENCE_S)
    assert gone.acquire(timeout=PATIENCE_S)


@pytest.mark.parametrize("behind", [INNER, post(b"Content-Length: 90000") + bytes(90_000)])
def test_who_goes_is_noticed_though_nothing_more_is_read(
    address: tuple[str, int], behind: bytes
) -> None:
    """A client's end is noticed even while reading is paused."""
    with connected(address) as client:
        client.sendall(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
        assert started.acquire(timeout=PATIENCE_S)
        client.sendall(behind)
        _settle(address)
        client.sendall(INNER)
    assert gone.acquire(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    "headers", [b"X: " + b"x" * 70_000 + b"\r\n", 300 * b"a:\r\n", 20_000 * b"a:\r\n"]
)
def test_a_large_head_is_refused_when_it_comes_at_once(
    address: tuple[str, int], headers: bytes
) -> None:
    """The limit is the same however the head is sent."""
    with connected(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + headers + b"\r\n")
        assert 431 == told(rest(client))["status"]


def test_a_large_head_is_refused_when_it_comes_in_two_pieces(address: tuple[str, int]) -> None:
    """A large head is also refused where it is whole before the limit is checked."""
    with connected(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000)
        _settle(address)
        client.sendall(b"x" * 40_000 + b"\r\n\r\n")
        assert 431 == told(rest(client))["status"]


def test_a_small_head_before_a_large_body_is_taken(address: tuple[str, int]) -> None:
    """The limit is on the head, not on the piece that it comes in."""
    with connected(address) as client:
        client.sendall(post(b"Connection: close", b"Content-Length: 200000") + 200_000 * b"x")
        assert rest(client).startswith(b"HTTP/1.1 200 ")


def test_what_follows_a_body_is_no_header(address: tuple[str, int]) -> None:
    """Headers behind a body in chunks, which a proxy hasn't seen in the head, are dropped."""
    with connected(address) as client:
        head = post(b"Connection: close", b"Transfer-Encoding: chunked")
        client.sendall(head + b"0\r\nX-API-Key: stolen\r\n\r\n")
        said = rest(client)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"stolen" not in said
