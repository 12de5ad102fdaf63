"""What goes over the wire is what uvicorn itself would send, and in as few pieces as can be."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.serving.http.answers import Exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

LENGTH, TYPE = (b"content-length", b"2"), (b"content-type", b"text/plain")
DEFAULT = [(b"date", b"today")]


def begun(
    cls: type[RequestResponseCycle], written: list[bytes], **changed: Any
) -> RequestResponseCycle:
    """Return an exchange of this class that writes into *written*."""
    usual: dict[str, Any] = {
        "scope": {"method": "POST"},
        "transport": SimpleNamespace(write=written.append, close=lambda: written.append(b"closed")),
        "flow": SimpleNamespace(write_paused=False),
        "logger": logging.getLogger(),
        "access_logger": logging.getLogger(),
        "access_log": False,
        "default_headers": DEFAULT,
        "message_event": asyncio.Event(),
        "expect_100_continue": True,
        "keep_alive": True,
        "on_response": lambda: written.append(b"complete"),
    }
    return cls(**usual | changed)


async def sent(
    cls: type[RequestResponseCycle],
    headers: Sequence[tuple[bytes, bytes]],
    bodies: Sequence[bytes] = (b"ok",),
    **changed: Any,
) -> list[bytes]:
    """Return what an exchange of this class writes for an answer with *headers*, and its state."""
    written: list[bytes] = []
    cycle = begun(cls, written, **changed)
    await cycle.send({"type": "http.response.start", "status": 200, "headers": headers})
    for body in bodies:
        more = body is not bodies[-1]
        await cycle.send({"type": "http.response.body", "body": body, "more_body": more})
    state = cycle.waiting_for_100_continue, cycle.keep_alive, cycle.response_complete
    return [b"".join(written), str(state).encode()]


@pytest.mark.parametrize(
    "headers",
    [
        [LENGTH, TYPE],
        [TYPE],  # in chunks
        [LENGTH, (b"connection", b"close")],
        [LENGTH, (b"Connection", b"close"), (b"X-Odd", b"1")],
        [(b"transfer-encoding", b"chunked"), TYPE],
        [LENGTH, (b"set-cookie", b"a"), (b"set-cookie", b"b")],
    ],
)
@pytest.mark.parametrize(
    "changed",
    [{}, {"keep_alive": False}, {"scope": {"method": "HEAD"}}, {"bodies": (b"o", b"k")}],
)
async def test_the_same_is_sent(
    headers: Sequence[tuple[bytes, bytes]], changed: dict[str, Any]
) -> None:
    """Whatever the headers are, and whatever is to become of the connection."""
    assert await sent(RequestResponseCycle, headers, **changed) == await sent(
        Exchange, headers, **changed
    )


@pytest.mark.parametrize(
    "odd", [(b"x-value", b"a\r\nset-cookie: b"), (b"x name", b"a"), (b"x-value", b"a\0")]
)
async def test_what_splits_an_answer_is_never_sent(odd: tuple[bytes, bytes]) -> None:
    """A name or a value that would end its line is an error."""
    with pytest.raises(RuntimeError, match="Invalid HTTP header"):
        await sent(Exchange, [LENGTH, odd])


async def test_an_answer_is_as_long_as_it_says() -> None:
    """A body of another length than its head has announced is an error."""
    with pytest.raises(RuntimeError, match="shorter than Content-Length"):
        await sent(Exchange, [(b"content-length", b"3")])


async def test_a_head_goes_out_with_the_body() -> None:
    """A whole answer is written at once; of one in parts the head goes with the first."""
    for bodies, pieces in (([b"ok"], 1), ([b"o", b"k"], 3)):
        written: list[bytes] = []
        cycle = begun(Exchange, written)
        await cycle.send({"type": "http.response.start", "status": 200, "headers": [LENGTH]})
        assert [] == written
        for body in bodies:
            more = body is not bodies[-1]
            await cycle.send({"type": "http.response.body", "body": body, "more_body": more})
        assert [pieces, b"complete"] == [len(written[:-1]), written[-1]]


async def test_an_answer_ends_the_connection_if_the_server_ends_meanwhile() -> None:
    """A worker that is told to end between head and body closes the connection behind the body."""
    written: list[bytes] = []
    cycle = begun(Exchange, written)
    await cycle.send({"type": "http.response.start", "status": 200, "headers": [LENGTH]})
    cycle.keep_alive = False
    await cycle.send({"type": "http.response.body", "body": b"ok"})
    assert [b"closed", b"complete"] == written[-2:]
