"""Connections of raw sockets: what a server says on one, byte by byte."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 30.0


def address_of(url: str) -> tuple[str, int]:
    """Return where the server at *url* listens."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    """Open a connection."""
    with socket.create_connection(address, timeout=PATIENCE_S) as client:
        yield client


def reaction(client: socket.socket, within_s: float) -> bytes | None:
    """Return what the server sends, b"" for the end of the connection, None if it does nothing."""
    client.settimeout(within_s)
    try:
        return client.recv(65536)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""
    finally:
        client.settimeout(PATIENCE_S)


def rest(client: socket.socket, begun: bytes = b"") -> bytes:
    """Return all that comes until the end of the connection."""
    while piece := reaction(client, PATIENCE_S):
        begun += piece
    assert piece == b"", "the connection stays open"
    return begun


def exchange(client: socket.socket, path: str = "/") -> bytes:
    """Get *path*, and return the answer."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return answered(client)


def answered(client: socket.socket) -> bytes:
    """Return an answer, whose body may come in a packet of its own."""
    answer = b""
    while (piece := reaction(client, PATIENCE_S)) and not _is_whole(answer := answer + piece):
        pass
    return answer


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    _, named, length = head.lower().partition(b"\r\ncontent-length: ")
    return bool(end) and (not named or len(body) >= int(length.partition(b"\r\n")[0]))


def told(answer: bytes) -> dict[str, Any]:
    """Return the problem in *answer*, with which the connection ends."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert ("application/problem+json", "close") == (headers["content-type"], headers["connection"])
    assert str(len(body)) == headers["content-length"]
    problem: dict[str, Any] = orjson.loads(body)
    assert status.split()[1] == str(problem["status"])
    assert headers["x-request-id"] == problem["request_id"]
    return problem
