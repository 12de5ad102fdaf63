"""The events of all workers in Redis: two streams of the newest ones.

An event that was written when an answer timed out is written again: its id tells that it is the
same. Nothing waits for these streams, and a Redis that takes no writes only delays them.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

from app.events.fleet import OFTEN_KEPT, RARE_KEPT, Told
from app.library.records.events import EVENT, decode_event, encode_event
from app.library.server.connection import reaching_redis
from app.library.shared.leases import lease
from app.library.shared.news import FIRST, Followed
from app.ports import OtherTypeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from redis.asyncio import Redis

    from app.events.fleet import Fleet, Waiting
    from app.library.records.names import Keys
    from app.library.records.reading import Unreadable
    from app.library.shared.news import Answer, Items

AT_ONCE: Final = 100
"""Events that are read in one answer."""

PLACE: Final = re.compile(rb"\d{1,20}-\d{1,20}")


class RedisEventStream:
    """The port `Stream` on Redis, for the *fleet* of which this worker is one."""

    def __init__(self, client: Redis, keys: Keys, fleet: Fleet, unreadable: Unreadable) -> None:
        self._client = client
        self._keys = keys
        self._fleet = fleet
        self._unreadable = unreadable
        fleet.stream = self
        self.followed = (
            Followed(keys.events, lambda: True, self._heard_rare),
            Followed(keys.sightings, lambda: fleet.hears_all, self._heard_often),
        )
        """What is to be waited for: what comes often only while somebody hears it."""

    async def write(self) -> None:
        """Write the events that wait. Raises LibraryError."""
        keys, fleet = self._keys, self._fleet
        for key, most, waiting in (
            (keys.events, RARE_KEPT, fleet.rare),
            (keys.sightings, OFTEN_KEPT, fleet.often),
        ):
            if not waiting:
                continue
            some = tuple(waiting)
            await self._write(key, most, some)
            written = set(some)
            while waiting and waiting[0] in written:  # others may have come, and pushed some out
                waiting.popleft()

    async def since(self, place: str) -> list[Told]:
        """Return the rare events after *place*, `AT_ONCE` at most. Raises LibraryError."""
        with reaching_redis():
            answer = await self._client.xread({self._keys.events: place}, count=AT_ONCE)
        return [told for _, items in cast("Answer", answer) for told in self._told(items)]

    async def newest(self) -> str:
        """Return the place of the newest rare event. Raises LibraryError."""
        with reaching_redis():
            items = cast("Items", await self._client.xrevrange(self._keys.events, count=1))
        return (items[0][0] if items else FIRST).decode()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[object]:
        """Yield what is true as long as this worker alone may send. Raises LibraryError."""
        async with lease(self._client, self._keys.lease("webhook")) as held:
            yield held

    async def sent_until(self) -> str | None:
        """Return up to which place all are sent, if that can be read. Raises LibraryError."""
        key = self._keys.sent_until
        try:
            with reaching_redis():
                place = cast("bytes | None", await self._client.get(key))
        except OtherTypeError:  # it is written over with the next place
            place = b""
        if place is None:
            return None
        if not PLACE.fullmatch(place):
            self._unreadable.leave_out(key, b"", place)
            return None
        return place.decode()

    async def keep_sent_until(self, place: str) -> None:
        """Say up to which place all are sent. Raises LibraryError."""
        with reaching_redis():
            await self._client.set(self._keys.sent_until, place)

    async def _write(self, key: str, most: int, waiting: Iterable[Waiting]) -> None:
        try:
            with reaching_redis():
                async with self._client.pipeline(transaction=False) as pipeline:
                    for one in waiting:
                        written = encode_event(one.event, sent=one.sent)
                        pipeline.xadd(key, {EVENT: written}, maxlen=most, approximate=False)
                    answers = await pipeline.execute(raise_on_error=False)
                for error in answers:  # the pipeline's own would begin with its own words
                    if isinstance(error, Exception):
                        raise error
        except OtherTypeError:  # whatever was left there; the next time it is written
            with reaching_redis():
                await self._client.delete(key)
            raise

    def _told(self, items: Items) -> list[Told]:
        return [told for place, fields in items if (told := self._decoded(place, fields))]

    def _decoded(self, place: bytes, fields: dict[bytes, bytes] | None) -> Told | None:
        found = decode_event((fields or {}).get(EVENT, b""))
        if found is None:
            self._unreadable.leave_out(self._keys.events, place)
            return None
        event, sent = found
        return Told(place.decode(), event, sent)

    def _heard_rare(self, items: Items) -> None:
        for told in self._told(items):
            self._fleet.tell(told)

    def _heard_often(self, items: Items) -> None:
        for told in self._told(items):
            self._fleet.tell(Told("", told.event))
