"""Callers who go before their answer: the work for them ends."""

from __future__ import annotations

import asyncio
import base64
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from app.settings import Strategy
from app.upstream.assembly import Server
from app.web.direct import GONE
from app.web.guarding.callers import CallerGoneError, unless_gone
from app.wire.tensors import TensorSpec
from tests.files import encoded
from tests.tiny import SIDE
from tests.upstream.raw_server import RawServer, Reaction, listening
from tests.web.drop_in import CLEAN, NAME, application

if TYPE_CHECKING:
    from collections.abc import MutableMapping

INPUT = TensorSpec("input", "FP32", (-1, SIDE, SIDE, 3))

PICTURE = base64.b64encode(encoded(CLEAN[0])).decode()
INFER = orjson.dumps(
    {"inputs": [{"name": "input", "datatype": "BYTES", "shape": [1], "data": [PICTURE]}]}
)


async def test_work_ends_when_the_caller_goes() -> None:
    """What is done for a caller is cancelled in its midst, and the task itself goes on."""
    gone = asyncio.Event()

    async def receive() -> MutableMapping[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    asyncio.get_running_loop().call_later(0.2, gone.set)
    with pytest.raises(CallerGoneError), unless_gone(receive):
        await asyncio.wait_for(asyncio.Event().wait(), 10)
    current = asyncio.current_task()
    assert current is not None
    assert 0 == current.cancelling()


async def test_other_cancellations_stay_what_they_are() -> None:
    """A request that is cancelled by somebody else is cancelled."""

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def work() -> None:
        with unless_gone(receive):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


@pytest.mark.parametrize(
    ("path", "media_type", "body", "said"),
    [
        ("/predict", "image/png", encoded(CLEAN[0]), []),
        (f"/v2/models/{NAME}/versions/1/infer", "application/json", INFER, [GONE]),
    ],
)
async def test_request_of_a_caller_who_has_gone_ends(
    path: str, media_type: str, body: bytes, said: list[int]
) -> None:
    """By any path the work ends when its caller goes while the model is at it."""
    upstream = RawServer(lambda _: Reaction(then="hang"), inputs=(INPUT,))
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = application(Server(url, NAME), Strategy.OFF)
    arrived: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": body},
        {"type": "http.disconnect"},
    ]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return arrived.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"content-type", media_type.encode())],
        "query_string": b"",
    }
    async with listening(upstream, listener), app.router.lifespan_context(app):
        await asyncio.wait_for(app(scope, receive, send), 9)
    assert not arrived
    assert said == [message["status"] for message in sent if "status" in message]
