"""Heads that proxies and servers may read differently, byte by byte: none is answered."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from app.serving.http.protocol import Protocol
from app.web.app import WebOptions, create_app
from tests.served_apps import running
from tests.serving.http.connections import address_of, connected, rest, told
from tests.tiny import TinyModel
from tests.web.served import FaultyLibrary, plain_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

POST = b"POST /nowhere HTTP/1.1\r\nHost: x\r\n"
NO_BODY = b"Connection: close\r\n\r\n"
BEHIND = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""What a proxy may take for a body."""


def _app() -> FastAPI:
    options = WebOptions("tiny", None, max_body=1000, max_pixels=1000)
    return create_app(partial(plain_gateway, TinyModel(), FaultyLibrary()), options)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Run the application."""
    with running(_app(), lifespan="on", http=Protocol) as url:
        yield address_of(url)


def said(address: tuple[str, int], request: bytes) -> bytes:
    """Return all that is answered to *request* and what lies behind it."""
    with connected(address) as client:
        client.sendall(request)
        return rest(client)


@pytest.mark.parametrize(
    "hosts",
    [
        b"",
        b"Host: x\r\nHost: x\r\n",
        b"Host: x\r\nhost: y\r\n",
        b"Host: x y\r\n",
        b"Host: x,y\r\nHost: \r\n",
        b"Host: x/docs\r\n",
        b"Host: user@x\r\n",
        b"Host: x?\r\n",
        b"Host: \xc3\xbc\r\n",
        b"Host: x,y\r\n",
        b"Host: x:y\r\n",
        b"Host: x:80:81\r\n",
        b"Host: ::1\r\n",
        b"Host: [::1\r\n",
        b"Host: [::1]x\r\n",
    ],
)
@pytest.mark.parametrize("line", [b"GET /healthz HTTP/1.1\r\n", b"GET http://x/ HTTP/1.1\r\n"])
def test_hosts(address: tuple[str, int], line: bytes, hosts: bytes) -> None:
    """Without one Host, and no more than one, nothing is answered, nor what lies behind."""
    problem = told(said(address, line + hosts + b"\r\n" + BEHIND))
    assert (400, "urn:neo-gateway:malformed-request") == (problem["status"], problem["type"])
    assert "Host" in problem["detail"]


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: \r\n",
        b"GET /healthz HTTP/1.1\r\nhOsT:x.example:8080\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: [::1]:80\t\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x:\r\n",
        b"GET http://x/healthz HTTP/1.1\r\nHost: x_1\r\n",
        b"GET /healthz HTTP/1.0\r\n",
        b"GET /healthz HTTP/1.0\r\nHost: x\r\n",
        b"HEAD /healthz HTTP/1.0\r\n",
    ],
)
def test_hosts_that_will_do(address: tuple[str, int], request_head: bytes) -> None:
    """A host may be empty, have a port, be an address; HTTP/1.0 needs none."""
    assert said(address, request_head + NO_BODY).startswith(b"HTTP/1.1 200 ")


def test_http_2_in_letters(address: tuple[str, int]) -> None:
    """HTTP/2 isn't written so: nothing is answered, nor what lies behind."""
    request = b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n"
    problem = told(said(address, request + BEHIND))
    assert (400, "HTTP/2.0 isn't spoken here") == (problem["status"], problem["detail"])


def test_two_hosts_of_http_1_0(address: tuple[str, int]) -> None:
    """It needs none, but two are two."""
    problem = told(said(address, b"GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"))
    assert (400, "a request has one Host header; this one has 2") == (
        problem["status"],
        problem["detail"],
    )


@pytest.mark.parametrize(
    "coding",
    [
        *(b"gzip", b"gzip, chunked", b"identity", b"xchunked", b"chunked;q=1"),
        *(b"deflate\r\nTransfer-Encoding: chunked", b"trailers", b"chunke"),
    ],
)
@pytest.mark.parametrize("upgrade", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
def test_transfer_codings(address: tuple[str, int], coding: bytes, upgrade: bytes) -> None:
    """What isn't known to be chunked is not taken for anything, nor what lies behind."""
    request = POST + upgrade + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n" + BEHIND
    problem = told(said(address, request))
    assert (501, "urn:neo-gateway:unknown-coding") == (problem["status"], problem["type"])


@pytest.mark.parametrize(
    "framed",
    [
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: gzip,\r\n chunked\r\n",
        b"Transfer-Encoding:\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
    ],
)
def test_doubtful_frames(address: tuple[str, int], framed: bytes) -> None:
    """Where a body ends must be said once, and once only."""
    problem = told(said(address, POST + framed + b"\r\n0\r\n\r\n" + BEHIND))
    assert (400, "urn:neo-gateway:malformed-request") == (problem["status"], problem["type"])


@pytest.mark.parametrize("coding", [b"chunked", b"gzip"])
def test_transfer_codings_of_http_1_0(address: tuple[str, int], coding: bytes) -> None:
    """There are none: a proxy of that version reads the body until the connection ends."""
    head = b"POST /nowhere HTTP/1.0\r\nTransfer-Encoding: " + coding
    problem = told(said(address, head + b"\r\n\r\n0\r\n\r\n" + BEHIND))
    assert (400, "HTTP/1.0 has no Transfer-Encoding") == (problem["status"], problem["detail"])


def test_chunked_is_taken(address: tuple[str, int]) -> None:
    """In whatever letters: the body in chunks is read, and the next request answered."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n"
    answers = said(address, head + b"\r\n3\r\nabc\r\n0\r\n\r\n" + BEHIND)
    assert (1, 1) == (answers.count(b"HTTP/1.1 415 "), answers.count(b"HTTP/1.1 200 "))


def test_what_was_asked_before_is_answered(address: tuple[str, int]) -> None:
    """A whole request before a head that is refused gets its answer, and then the end."""
    before = BEHIND.replace(b"Connection: close\r\n", b"")
    answers = said(address, before + b"GET /healthz HTTP/1.1\r\n\r\n" + BEHIND)
    assert (1, 1) == (answers.count(b"HTTP/1.1 "), answers.count(b" 200 "))


@pytest.mark.parametrize(
    "path", [b"/healthz", b"/readyz", b"/trigger", b"/metrics", b"/", b"/v2/models/tiny", b"/none"]
)
def test_head_over_the_wire(address: tuple[str, int], path: bytes) -> None:
    """After the head of an answer to HEAD comes the next answer, and no body."""
    head = b"HEAD %b HTTP/1.1\r\nHost: x\r\n\r\n" % path
    answers = said(address, head + b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + NO_BODY)
    first, second, body = answers.split(b"\r\n\r\n")
    assert b"content-length: " in first
    assert second.startswith(b"HTTP/1.1 200 ")
    assert body == b'{"status":"alive"}'
