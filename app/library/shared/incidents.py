"""The incidents of all workers, and what admins have done, in Redis.

An incident's id begins with its time, so that the order of the ids is that in time: in a sorted set
they lie with the names of their keys and triggers, in a hash beside it with all the rest.

Whoever floods it pushes out his own: where there are more than `MOST_KEPT`, the key that has most
of them gives the oldest of the trigger that it has most of. So what one caller sends, however much,
leaves the others what they have, until each has as many.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from app.incidents import LIVES, MOST_ACTS, MOST_KEPT
from app.library.records.basics import MICROSECOND, EncodingError, encode_time
from app.library.records.incident_encoding import (
    ACT,
    decode_act,
    decode_incident,
    encode_act,
    encode_incident,
)
from app.library.records.reading import pairs
from app.library.server.connection import reaching_redis
from app.library.shared.lua.incidents import KEEP, SEEK
from app.library.shared.store import AS_IT_IS
from app.ports import OtherTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime, timedelta

    from redis.asyncio import Redis

    from app.incidents import Act, Incident, Incidents, Sought
    from app.library.records.names import Keys
    from app.library.records.reading import Unreadable
    from app.library.shared.reach import Reach

AT_ONCE: Final = 100
"""Incidents that are written by one script."""

SPARE: Final = 500
"""Places that are made when there is none: to see whose are the most takes some milliseconds."""


class SharedIncidents:
    """Writes what a worker has waiting in *own*, and reads that of all."""

    def __init__(  # noqa: PLR0913  # what it is made of, and what tests change
        self,
        client: Redis,
        keys: Keys,
        own: Incidents,
        unreadable: Unreadable,
        reach: Reach,
        *,
        lives: timedelta = LIVES,
        most: int = MOST_KEPT,
        spare: int = SPARE,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._client = client
        self._keys = keys
        self._own = own
        self._unreadable = unreadable
        self._reach = reach
        self._lives = lives // MICROSECOND
        self._bounds = (most, spare)
        self._clock = clock
        self._keep = client.register_script(KEEP)
        self._seek = client.register_script(SEEK)
        own.store = self

    async def tell(self) -> None:
        """Write what waits. Raises LibraryError."""
        while waiting := self._own.waiting(AT_ONCE):
            with self._reach.noting("incidents"), reaching_redis():
                told: list[bytes | int | str] = [*self._bounds, self._lives, self._told_moment()]
                for one in waiting:
                    told += [f"{one.id} {one.key or ''} {one.trigger_id}", encode_incident(one)]
                await self._keep(self._names(), told)
            self._own.written(waiting)
        await self._own.note_rest()

    async def incidents(self, sought: Sought) -> tuple[Incident, ...]:
        """Return those that are *sought*. Raises LibraryError."""
        found: list[Incident] = []
        before, more = sought.before or "", True
        while more and len(found) < sought.count:  # what can't be read is no end of the list
            wanted = sought.count - len(found)
            told = await self._sought(replace(sought, count=wanted, before=before))
            more, before = len(told) == 2 * wanted, told[-2].decode(AS_IT_IS) if told else ""
            found += self._decoded(told)
        return tuple(found)

    async def _sought(self, sought: Sought) -> list[bytes]:
        since = 0 if sought.since is None else max(encode_time(sought.since), 0)
        before = (sought.before or "").encode(AS_IT_IS)
        asked = (sought.count, before, since, sought.trigger_id or "")
        with reaching_redis():
            answer = await self._seek(self._names(), [*asked, self._lives, self._told_moment()])
        told = cast("list[bytes]", answer)
        if not before:
            return told
        # Of a set whose order somebody has spoilt: who asks on must come to an end.
        return [one for pair in pairs(told).items() if pair[0] < before for one in pair]

    async def note(self, act: Act) -> None:
        """Keep *act*. Raises LibraryError."""
        try:
            with reaching_redis():
                await self._client.xadd(
                    self._keys.acts, {ACT: encode_act(act)}, maxlen=MOST_ACTS, approximate=True
                )
        except OtherTypeError:  # whatever was left there; the next time it is written
            with reaching_redis():
                await self._client.delete(self._keys.acts)
            raise

    async def acts(self) -> tuple[Act, ...]:
        """Return what admins have done, newest first. Raises LibraryError."""
        try:
            with reaching_redis():
                answer = await self._client.xrevrange(self._keys.acts, count=MOST_ACTS)
        except OtherTypeError:
            self._unreadable.leave_out(self._keys.acts)
            return ()
        items = cast("list[tuple[bytes, dict[bytes, bytes]]]", answer)
        found = []
        for name, fields in items:
            try:
                found.append(decode_act(fields))
            except EncodingError:
                self._unreadable.leave_out(self._keys.acts, name)
        return tuple(found)

    def _decoded(self, found: list[bytes]) -> Iterator[Incident]:
        for name, record in zip(found[::2], found[1::2], strict=True):
            try:
                yield decode_incident(name.decode(errors="replace"), record)
            except EncodingError:
                self._unreadable.leave_out(self._keys.incident_records, name, record)

    def _names(self) -> list[str]:
        return [self._keys.incidents, self._keys.incident_records]

    def _told_moment(self) -> int | str:
        return "" if self._clock is None else encode_time(self._clock())
