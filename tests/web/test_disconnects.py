"""Callers who go before their answer: the work for them ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from app.web.disconnects import CallerGoneError, unless_gone

if TYPE_CHECKING:
    from collections.abc import MutableMapping


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
