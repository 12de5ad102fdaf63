"""What is done again and again while something else goes on."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

logger = logging.getLogger(__name__)

AWAY_SECONDS = 0.25
"""Between two attempts while Redis is away."""


@asynccontextmanager
async def repeating(
    step: Callable[[], Awaitable[None]], seconds: float, stirred: asyncio.Event | None = None
) -> AsyncIterator[None]:
    """Take *step* again and again, *seconds* apart, until the block ends; go on if it fails.

    At once when it is *stirred*, unless it has just failed.

    The last step is waited for, not cancelled: nothing is left half done, and under Python 3.11
    redis-py's `asyncio.wait_for` now and then swallows a cancellation.
    """
    over, stirred = asyncio.Event(), stirred or asyncio.Event()
    task = asyncio.create_task(_repeat(step, seconds, stirred, over))
    try:
        yield
    finally:
        over.set()
        stirred.set()
        await task


async def _repeat(
    step: Callable[[], Awaitable[None]],
    seconds: float,
    stirred: asyncio.Event,
    over: asyncio.Event,
) -> None:
    while not over.is_set():
        stirred.clear()
        woken, pause = stirred, seconds
        try:
            await step()
        except LibraryError:  # it was logged where it was raised
            woken, pause = over, AWAY_SECONDS
        except Exception:  # a fault of ours must not cut this worker off for good
            logger.exception("a step in the background failed")
            woken, pause = over, AWAY_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await woken.wait()
