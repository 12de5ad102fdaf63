"""Callers who go before their answer: the work for them ends."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from app.settings import Strategy
from app.upstream.opening import Server
from app.web.disconnects import CallerGoneError, unless_gone
from app.wire.tensors import TensorSpec
from tests.files import encoded
from tests.library.servers import eventually
from tests.served_apps import running
from tests.tiny import SIDE
from tests.upstream.raw_server import RawServer, Reaction, listening
from tests.web.drop_in import CLEAN, NAME, application

if TYPE_CHECKING:
    from collections.abc import MutableMapping

INPUT = TensorSpec("input", "FP32", (-1, SIDE, SIDE, 3))


async def test_work_ends_when_the_caller_goes() -> None:
    """What is done for a caller is cancelled in its midst, and the task itself goes on."""
    gone = asyncio.Event()

    async def receive() -> MutableMapping[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    asyncio.get_running_loop().call_later(0.2, gone.set)
    with pytest.raises(CallerGoneError):
        async with asyncio.timeout(10), unless_gone(receive):
            await asyncio.Event().wait()
    current = asyncio.current_task()
    assert current is not None
    assert 0 == current.cancelling()


async def test_other_cancellations_stay_what_they_are() -> None:
    """A request that is cancelled by somebody else is cancelled."""

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def work() -> None:
        async with unless_gone(receive):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_upstream_is_left_when_the_caller_goes() -> None:
    """A caller that closes its connection ends the request upstream."""
    upstream = RawServer(lambda _: Reaction(then="hang"), inputs=(INPUT,))
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = application(Server(url, NAME), Strategy.OFF)
    async with listening(upstream, listener):
        with running(app, "on") as gateway:
            port = int(gateway.rpartition(":")[2])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            body = encoded(CLEAN[0])
            head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Content-Type: image/png\r\n\r\n".encode() + body)
            # The references are calibrated meanwhile: one of the two is theirs.
            await eventually(lambda: len(upstream.infers) == 2, 10)
            assert not upstream.left.is_set()
            writer.close()
            await asyncio.wait_for(upstream.left.wait(), 10)
