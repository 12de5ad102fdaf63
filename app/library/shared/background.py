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
    loop = asyncio.get_running_loop()
    while not over.is_set():
        stirred.clear()
        failed = True
        try:
            await step()
            failed = False
        except LibraryError:  # it was logged where it was raised
            pass
        except Exception:  # a fault of ours must not cut this worker off for good
            logger.exception("a step in the background failed")
        if failed:
            with suppress(TimeoutError):
                async with asyncio.timeout(AWAY_SECONDS):
                    await over.wait()
            continue
        # A timeout ends a wait by an error, which takes some 50 µs; and 20 a second end so.
        timer = loop.call_later(seconds, stirred.set)
        await stirred.wait()
        timer.cancel()
