"""Clients that send or read too slowly are cut off; those that are only slow are not."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import orjson
import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.serving.http.protocol import SPARE, Protocol
from tests.library.servers import wait_until
from tests.served_apps import running
from tests.serving.http.connections import (
    PATIENCE_S,
    address_of,
    answered,
    connected,
    exchange,
    reaction,
    rest,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

LIMIT_S = 0.3
PACE_S = 0.02
MOST = 8


class Quick(Protocol):
    """The same, sooner."""

    HEAD_S = LIMIT_S
    BODY_S = LIMIT_S
    BODY_RATE = 100
    ANSWER_S = LIMIT_S


async def measure(request: Request) -> Response:
    """Answer with the size of the request's body."""
    return PlainTextResponse(str(len(await request.body())))


async def pour(_: Request) -> Response:
    """Answer with more than fits between server and client."""
    return Response(bytes(50_000_000))


APP = Starlette(
    routes=[
        Route("/{path:path}", measure, methods=["POST"]),
        Route("/pour", pour),
        Route("/", measure, methods=["GET"]),
    ]
)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Run a server that waits for slow clients only for a moment."""
    with running(APP, http=Quick) as url:
        yield address_of(url)


def trickle(client: socket.socket, piece: bytes) -> bytes:
    """Send *piece* again and again until the server says something; return all that it says."""
    deadline = time.monotonic() + PATIENCE_S
    while (said := reaction(client, PACE_S)) is None:
        assert time.monotonic() < deadline, "the server listens for ever"
        client.sendall(piece)
    return rest(client, said) if said else said


@pytest.mark.parametrize("begin", [b"GET /", b"POST / HTTP/1.1\r\nHost: x\r\n", b"\r\nGET /"])
def test_a_trickled_head_is_cut(address: tuple[str, int], begin: bytes) -> None:
    """However steadily bytes come: the head has to be complete in time."""
    before = _cut("head")
    with connected(address) as client:
        client.sendall(begin)
        problem = told(trickle(client, b"X"))
    assert (408, "urn:neo-gateway:slow-request") == (problem["status"], problem["type"])
    assert "head" in problem["detail"]
    assert before + 1 == _cut("head")


def test_a_trickled_second_head_is_cut(address: tuple[str, int]) -> None:
    """A connection that has had its answer gets no more time for the next request."""
    with connected(address) as client:
        assert b" 200 " in exchange(client)
        client.sendall(b"GET /")
        assert 408 == told(trickle(client, b"x"))["status"]


def test_empty_lines_are_no_sign_of_life(address: tuple[str, int]) -> None:
    """Lines between requests, which HTTP allows, keep no connection open."""
    with connected(address) as client:
        assert b" 200 " in exchange(client)
        assert 408 == told(trickle(client, b"\r\n"))["status"]


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"Content-Length: 100000\r\n\r\n", b"x"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
    ],
    ids=["sized", "chunked", "trailers"],
)
def test_a_trickled_body_is_cut(address: tuple[str, int], head: bytes, piece: bytes) -> None:
    """A body at less than the least rate is too slow; the application doesn't hear its end."""
    with connected(address) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head)
        # 50 bytes a second at the most, where 100 are wanted.
        problem = told(trickle(client, piece))
    assert 408 == problem["status"]
    assert "body" in problem["detail"]


def test_a_drop_in_client_is_told_in_its_own_form(address: tuple[str, int]) -> None:
    """Clients of the inference protocols read `error`."""
    with connected(address) as client:
        client.sendall(b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        head, _, body = rest(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert ["error"] == list(orjson.loads(body))


def test_who_says_nothing_is_cut_without_a_word(address: tuple[str, int]) -> None:
    """A silent connection is closed without an answer, which would answer no question."""
    with connected(address) as client:
        assert b"" == rest(client)


@pytest.mark.parametrize(
    "begin", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"]
)
def test_a_half_closed_connection_ends(address: tuple[str, int], begin: bytes) -> None:
    """A client that closes before its request is complete gets no answer."""
    with connected(address) as client:
        client.sendall(begin)
        client.shutdown(socket.SHUT_WR)
        assert b"" == rest(client)


def test_a_slow_upload_above_the_rate_is_served(address: tuple[str, int]) -> None:
    """A body that takes several times the limit, at more than the least rate, is taken whole."""
    with connected(address) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        end, sent = time.monotonic() + 4 * LIMIT_S, 0
        while time.monotonic() < end:
            client.sendall(b"3e8\r\n" + bytes(1000) + b"\r\n")  # worth ten seconds
            sent += 1000
            assert reaction(client, PACE_S) is None
        client.sendall(b"0\r\n\r\n")
        answer = answered(client)
        assert b" 200 " in answer
        assert answer.endswith(str(sent).encode())
        assert b" 200 " in exchange(client), "the connection goes on"


def test_an_idle_connection_is_kept(address: tuple[str, int]) -> None:
    """Between requests a client may be silent for longer than within one."""
    with connected(address) as client:
        assert b" 200 " in exchange(client)
        assert reaction(client, 3 * LIMIT_S) is None
        assert b" 200 " in exchange(client)


def test_requests_that_follow_one_another_are_all_answered(address: tuple[str, int]) -> None:
    """Requests sent without waiting for answers, cut anywhere, are no slow ones."""
    asked = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + bytes(70_000)
    with connected(address) as client:
        for begin in range(0, 3 * len(asked), 50_000):
            client.sendall((3 * asked)[begin : begin + 50_000])
        said = b""
        while said.count(b"70000") < 3:
            said += client.recv(65536)
        assert 3 == said.count(b" 200 ")


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n\r\n0\r\n"])
def test_a_head_without_end_is_refused(address: tuple[str, int], head: bytes) -> None:
    """Header lines that go on and on are refused before they fill the memory."""
    with connected(address) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head)
        said = None
        try:
            while said is None:
                client.sendall(b"X-Long: " + b"x" * 8000 + b"\r\n")
                said = reaction(client, 0.001)
        except ConnectionError:  # it has closed while we were sending
            said = b""
    assert not said or 431 == told(said)["status"]


def test_what_is_no_http_is_a_problem(address: tuple[str, int]) -> None:
    """Bytes that are no HTTP get a problem, as every error does."""
    with connected(address) as client:
        client.sendall(b"what?\r\n\r\n")
        assert "urn:neo-gateway:malformed-request" == told(rest(client))["type"]


def test_an_answer_that_nobody_reads_is_dropped(address: tuple[str, int]) -> None:
    """A client that doesn't read its answer loses it, and what it took in memory."""
    with connected(address) as client:
        client.sendall(b"GET /pour HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: _cut_while_writing(client), PATIENCE_S)


def _cut_while_writing(client: socket.socket) -> bool:
    """Return whether the server has ended the connection, without reading what it sent."""
    try:
        client.send(b"X")
    except ConnectionError:
        return True
    return False


def test_a_slow_reader_gets_its_answer(address: tuple[str, int]) -> None:
    """An answer that is read slowly, but read, comes whole."""
    with connected(address) as client:
        client.sendall(b"GET /pour HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        end, came = time.monotonic() + 4 * LIMIT_S, 0
        slowly = socket.socketpair()
        while piece := client.recv(1_000_000):
            came += len(piece)
            if time.monotonic() < end:
                assert reaction(slowly[0], PACE_S) is None
        for one in slowly:
            one.close()
    assert came > 50_000_000


def test_connections_above_the_limit_are_told_so() -> None:
    """The gateway's own files can't be used up: one too many is a 503, many too many are closed."""
    with running(APP, http=Protocol, limit=MOST) as url:
        address = address_of(url)
        clients = [socket.create_connection(address, PATIENCE_S) for _ in range(MOST)]
        try:
            for client in clients:
                client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell")
            with connected(address) as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
                problem = told(rest(client))
            assert (503, "urn:neo-gateway:too-many-connections") == (
                problem["status"],
                problem["type"],
            )
            more = [socket.create_connection(address, PATIENCE_S) for _ in range(SPARE)]
            clients += more
            with connected(address) as client:
                assert b"" == rest(client)
            for client in clients[:MOST]:
                client.sendall(b"o")
            assert all(b" 200 " in answered(client) for client in clients[:MOST])
        finally:
            for client in clients:
                client.close()
        wait_until(lambda: _served(address))


def test_the_connection_that_is_idle_for_longest_makes_room() -> None:
    """A client that comes is worth more than one that has had its answer and asks nothing."""
    with running(APP, http=Protocol, limit=MOST) as url:
        address = address_of(url)
        clients = [socket.create_connection(address, PATIENCE_S) for _ in range(MOST)]
        try:
            first, second, *others = clients
            assert all(b" 200 " in exchange(client) for client in (first, second))
            assert reaction(second, PACE_S) is None
            assert all(b" 200 " in exchange(client) for client in (first, *others))
            with connected(address) as client:
                assert b" 200 " in exchange(client)
                assert b"" == rest(second), "the first one has asked again since"
                assert all(b" 200 " in exchange(client) for client in (first, *others))
        finally:
            for client in clients:
                client.close()


class Crowded(Protocol):
    """Waits for ever for silent clients, unless there are many."""

    HEAD_S = 10 * PATIENCE_S
    CROWDED_S = 1.0


def test_silent_connections_are_cut_sooner_when_they_are_many() -> None:
    """Silent clients can't keep others out for long; one that has begun has the usual time."""
    with running(APP, http=Crowded, limit=MOST) as url:
        address = address_of(url)
        clients = [socket.create_connection(address, PATIENCE_S) for _ in range(MOST)]
        early, begun, *late = clients[MOST // 2 - 1 :]
        try:
            begun.sendall(b"GET / HTTP/1.1\r\n")
            assert all(b"" == rest(client) for client in late)
            assert reaction(early, PACE_S) is None
            begun.sendall(b"Host: x\r\n\r\n")
            assert b" 200 " in answered(begun)
        finally:
            for client in clients:
                client.close()


def _served(address: tuple[str, int]) -> bool:
    with connected(address) as client:
        return b" 200 " in exchange(client)


def _cut(reason: str) -> float:
    return REGISTRY.get_sample_value("neo_connections_cut_total", {"reason": reason}) or 0.0
