"""Hearing at once what is new in Redis, instead of asking again and again.

Every change of the library puts its version on a stream of one item (`lua.beginning.CHANGING`), and
a worker waits there: with the same command for what other streams get, if they are followed.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from redis.exceptions import ResponseError

from app.library.server.connection import reaching_redis
from app.library.shared.background import AWAY_SECONDS
from app.logs import told
from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

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

FIRST = b"0-0"

BELIEVED = (2**53, 0)
"""No clock says later places; a stream that somebody has given one may have to begin anew."""

AT_ONCE = 100
"""Items of a stream that one command brings."""

Items: TypeAlias = "Sequence[tuple[bytes, dict[bytes, bytes] | None]]"
Answer: TypeAlias = "Sequence[tuple[bytes, Items]]"
"""What XREAD says: of each stream that has something its items."""


@dataclass(eq=False)
class Followed:
    """A stream to be heard as long as it is ``wanted``: ``hear`` gets its items after ``place``."""

    key: str
    wanted: Callable[[], bool]
    hear: Callable[[Items], object]
    place: bytes | None = None


class News:
    """Waits on the stream *key*, by a *client* that lets an answer take longer than WAIT_MS.

    What comes on the streams *followed* meanwhile is heard, too.
    """

    def __init__(self, client: Redis, key: str, *followed: Followed) -> None:
        self._client = client
        self._key = key
        self._followed = {one.key.encode(): one for one in followed}
        self._last: bytes | None = None
        self._refused_until = 0.0
        self._in_doubt = True  # the places in the streams may be another server's

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
                self._in_doubt = True
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
                    await self._wait(self._last)
                items = cast("Items", await self._client.xrevrange(self._key, count=1))
            except ResponseError as exc:
                self._refused_until = asyncio.get_running_loop().time() + REFUSED_SECONDS
                logger.info(
                    "Redis doesn't let this worker wait for news, so it asks: %s", told(exc)
                )
                return True
        # After a failover the newest item may be older than what was heard last.
        before, self._last = self._last, items[0][0] if items else FIRST
        return before != self._last

    async def _wait(self, last: bytes) -> None:
        """Wait for what comes after *last*, for a while; let what was followed be heard."""
        places = {self._key: last}
        for one in self._followed.values():
            if not one.wanted():
                one.place = None
                continue
            if one.place is None or self._in_doubt or _order(one.place) > BELIEVED:
                one.place = await self._settled(one)
            places[one.key] = one.place
        self._in_doubt = False
        answer = await self._client.xread(
            cast("dict[Any, Any]", places), count=AT_ONCE, block=WAIT_MS
        )
        for key, items in cast("Answer", answer):
            followed = self._followed.get(key)
            if followed is not None:
                followed.place = items[-1][0]
                followed.hear(items)

    async def _settled(self, followed: Followed) -> bytes:
        """Return where to go on: where it was, unless the stream has less now; at first its end."""
        items = cast("Items", await self._client.xrevrange(followed.key, count=1))
        newest = items[0][0] if items else FIRST
        if followed.place is None:
            return newest
        return min(followed.place, newest, key=_order)


def _order(place: bytes) -> tuple[int, ...]:
    return tuple(map(int, place.split(b"-")))
