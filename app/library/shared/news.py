"""Hearing at once that the library has changed in Redis, instead of asking again and again.

Every change puts its version on a stream of one item (`lua.CHANGING`), and a worker waits there.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from app.library.server.connection import reaching_redis
from app.library.shared.background import AWAY_SECONDS
from app.logs import told
from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

WAIT_MS = 1000
"""How long one command waits for news: less than an answer may take, or it would be one that
failed."""

POLL_SECONDS = 0.025
"""Between two looks at the version where nothing can be heard: each worker must have a change in
0.1 s, and reading a full library of large triggers takes half of that."""

REFUSED_SECONDS = 60.0
"""After a refusal, until it is tried again: rights change."""

FIRST = "0-0"


class News:
    """Waits on the stream *key*, by a *client* that lets an answer take longer than WAIT_MS."""

    def __init__(self, client: Redis, key: str) -> None:
        self._client = client
        self._key = key
        self._last: str | bytes | None = None
        self._refused_until = 0.0

    @asynccontextmanager
    async def waking(self, stirred: asyncio.Event) -> AsyncIterator[None]:
        """Set *stirred* at each change, for as long as the block goes on.

        Where Redis is away, or doesn't let us wait (an older one, a user without the right), it is
        set again and again: then somebody has to look.
        """
        over = asyncio.Event()
        task = asyncio.create_task(self._listen(stirred, over))
        try:
            yield
        finally:
            over.set()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self, stirred: asyncio.Event, over: asyncio.Event) -> None:
        while not over.is_set():
            pause = 0.0
            try:
                changed = await self._changed()
            except LibraryError:  # who looks will say so
                changed, pause = True, AWAY_SECONDS
            except Exception:  # a fault of ours must not cut this worker off for good
                logger.exception("waiting for news in Redis failed")
                changed, pause = True, AWAY_SECONDS
            if changed:
                stirred.set()
            if pause:
                await asyncio.sleep(pause)

    async def _changed(self) -> bool:
        """Wait for a change, for a while; return whether there may be one."""
        if asyncio.get_running_loop().time() < self._refused_until:
            await asyncio.sleep(POLL_SECONDS)
            return True
        with reaching_redis():
            try:
                if self._last is not None:
                    await self._client.xread({self._key: self._last}, count=1, block=WAIT_MS)
                items = await self._client.xrevrange(self._key, count=1)
            except ResponseError as exc:
                self._refused_until = asyncio.get_running_loop().time() + REFUSED_SECONDS
                logger.info(
                    "Redis doesn't let this worker wait for news, so it asks: %s", told(exc)
                )
                return True
        # After a failover the newest item may be older than what was heard last.
        before, self._last = self._last, items[0][0] if items else FIRST
        return before != self._last
