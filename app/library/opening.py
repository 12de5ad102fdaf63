"""The library's doors: open it, keep it up to date in the background, close it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from app.library.calibrations import RedisCalibrationStore
from app.library.connection import connected
from app.library.keys import Keys
from app.library.store import Store
from app.library.triggers import RedisTriggerLibrary
from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.04
"""Between two looks at the version: a change must be on every worker within 0.1 s."""

EXCHANGE_SECONDS = 0.2
"""Between two exchanges of counts."""

AWAY_SECONDS = 0.25
"""Between two attempts while Redis is away."""


@asynccontextmanager
async def open_library(
    url: str, model: str
) -> AsyncIterator[tuple[RedisTriggerLibrary, RedisCalibrationStore]]:
    """Yield what all workers in front of *model* share, in the Redis at *url*.

    Redis may be away: then the library says so by `problem`, and `check` tells when it has been
    read. At the end what is still to be written is written, if Redis is there. Raises ValueError
    for a bad URL.
    """
    async with connected(url) as client:
        keys = Keys(model)
        library = RedisTriggerLibrary(Store(client, keys))
        calibrations = RedisCalibrationStore(client, keys)

        async def keep_up() -> None:
            if await library.synchronise():
                await calibrations.write_back()

        with suppress(LibraryError):
            await keep_up()
        following = [
            asyncio.create_task(_repeat(keep_up, POLL_SECONDS)),
            asyncio.create_task(_repeat(library.exchange, EXCHANGE_SECONDS)),
        ]
        try:
            yield library, calibrations
        finally:
            for task in following:
                task.cancel()
            await asyncio.wait(following)
            with suppress(LibraryError):
                await library.synchronise()
                await library.exchange()


async def _repeat(step: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        try:
            await step()
            await asyncio.sleep(pause)
        except LibraryError:  # the library says so itself
            await asyncio.sleep(AWAY_SECONDS)
        except Exception:  # a fault of ours must not cut this worker off from the others for good
            logger.exception("following the trigger library failed")
            await asyncio.sleep(AWAY_SECONDS)
