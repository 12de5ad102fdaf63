"""The bodies that a worker holds are bounded, all together."""

from __future__ import annotations

import asyncio
import gc
import gzip
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.web.intake.bodies import Bodies, Body, BodyTooLargeError, OverloadedError
from tests.files import encoded
from tests.library.servers import eventually
from tests.tiny import clean_images
from tests.web.served import Served, assert_problem, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

IMAGE = encoded(clean_images(1, np.random.default_rng(0))[0])
PNG = {"Content-Type": "image/png"}
WAYS_IN = ("/predict", "/v2/models/tiny/infer", "/v2/models/tiny/versions/1/infer")


def body(bodies: Bodies, chunks: Sequence[bytes], length: str = "") -> Body:
    """Return the body of a request that sends *chunks*."""
    messages = iter(
        [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks[:-1]]
        + [{"type": "http.request", "body": chunks[-1]}]
    )

    async def receive() -> Any:
        return next(messages)

    return Body(bodies, length or None, receive)


class Exchange:
    """What a server has of a request: where its body is read from, and that body itself."""

    body: Body

    async def receive(self) -> Any:
        """Say nothing: nobody asks."""


def test_request_is_let_go_of_at_once() -> None:
    """Once it is answered nothing of a request waits for the garbage collector."""
    exchange = Exchange()
    with Body(Bodies(100), None, exchange.receive) as exchange.body:
        pass
    left = weakref.ref(exchange)
    gc.disable()
    try:
        del exchange
        assert left() is None
    finally:
        gc.enable()


def test_how_much_is_held() -> None:
    """A worker holds 256 MiB, or eight of the largest bodies if that is more."""
    assert 256 * 2**20 == Bodies(10 * 2**20).most
    assert 8 * 100 * 2**20 == Bodies(100 * 2**20).most


async def test_what_is_held_is_given_back() -> None:
    """A body counts from when it comes until its request has its answer, or failed."""
    bodies = Bodies(100, most=100)
    with body(bodies, [bytes(40), bytes(50)]) as one:
        assert bytes(90) == await one.whole()
        assert 90 == bodies.held
        with pytest.raises(OverloadedError), body(bodies, [bytes(10), bytes(1)]) as other:
            await other.whole()
        assert 90 == bodies.held
        with body(bodies, [bytes(10)]) as fits:
            await fits.whole()
            assert 100 == bodies.held
            with pytest.raises(OverloadedError):
                fits.hold(1)
    assert 0 == bodies.held


@pytest.mark.parametrize("length", ["101", "9" * 30, "9" * 5000])
async def test_announced_size_is_refused_unread(length: str) -> None:
    """A body that is announced too large is refused before its first byte."""
    bodies = Bodies(100)
    with pytest.raises(BodyTooLargeError), body(bodies, [b"x"], length) as large:
        await large.receive()


@pytest.mark.parametrize("length", ["", "1", "-1", "x", "²", "٣"])
async def test_lying_size_is_counted(length: str) -> None:
    """Whatever is announced, what comes is counted."""
    bodies = Bodies(100)
    with pytest.raises(BodyTooLargeError), body(bodies, [bytes(60), bytes(60)], length) as liar:
        await liar.whole()
    assert 0 == bodies.held


async def test_what_is_announced_reserves_nothing() -> None:
    """Who announces much and sends nothing takes no room from others."""
    bodies = Bodies(100, most=100)
    with body(bodies, [bytes(1), bytes(98)], "99") as slow, body(bodies, [bytes(90)]) as other:
        await slow.receive()
        await other.whole()
        with pytest.raises(OverloadedError):
            await slow.receive()


@pytest.mark.parametrize("path", WAYS_IN)
async def test_beyond_it_requests_are_refused_at_once(path: str) -> None:
    """While other bodies fill the room a request is a 503 that says when to come again."""
    async with serving() as served:
        bodies: Bodies = served.app.state.service.bodies
        bodies.held = bodies.most - 10
        refused = await served.http.post(path, content=bytes(11), headers=PNG)
        bodies.held = 0
        taken = await served.http.post("/predict", content=IMAGE, headers=PNG)
    assert (503, "5") == (refused.status_code, refused.headers["retry-after"])
    if path == "/predict":
        assert_problem(refused, 503, "too many large requests")
        assert "urn:neo-gateway:overloaded" == refused.json()["type"]
    else:
        assert "too many large requests" in refused.json()["error"]
    assert 200 == taken.status_code


async def test_unpacked_bodies_count(served: Served) -> None:
    """A small body that unpacks to a large one is counted as that."""
    bodies: Bodies = served.app.state.service.bodies
    bodies.held = bodies.most - 10_000
    headers = {"Content-Encoding": "gzip"}
    content = gzip.compress(bytes(20_000))
    refused = await served.http.post("/v2/models/tiny/infer", content=content, headers=headers)
    assert 503 == refused.status_code
    assert bodies.most - 10_000 == bodies.held


@pytest.mark.parametrize("path", WAYS_IN)
async def test_bodies_on_their_way_count(served: Served, path: str) -> None:
    """What has come of a body counts while the rest is waited for, and no more when it is gone."""
    bodies: Bodies = served.app.state.service.bodies
    rest = asyncio.Event()

    async def trickled() -> AsyncIterator[bytes]:
        yield bytes(5_000)
        await rest.wait()
        yield bytes(5_000)

    async with asyncio.TaskGroup() as group:
        asked = group.create_task(served.http.post(path, content=trickled(), headers=PNG))
        await eventually(lambda: 5_000 == bodies.held)
        rest.set()
        await asked
    assert 0 == bodies.held
