"""The suspects of all workers, in Redis: gone an hour after an image has shown them last.

A record never changes. When one was last seen, and in how many images of whom, lies beside it.
Whoever floods them pushes out his own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import orjson

from app.library.records.basics import MICROSECOND, EncodingError, decode_time, encode_time
from app.library.records.reading import ID, number, pairs
from app.library.records.suspect_encoding import decode_noted, encode_noted
from app.library.server.connection import reaching_redis
from app.library.shared.lua.suspects import EXCHANGE
from app.suspects import LIVES, MOST_KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime, timedelta

    from prometheus_client import Gauge
    from redis.asyncio import Redis

    from app.library.records.names import KeptKeys
    from app.library.records.reading import Unreadable
    from app.library.shared.reach import Reach
    from app.suspects import Noted, Suspects, Untold

SPARE: Final = 16
"""Places that are made when there is none."""

SEEN: Final = re.compile(rb"([0-9]{1,16}) ([0-9]{1,10}) ([^ ]*)")
"""When one was last seen, of which class it is, and whose image showed it first."""

COUNTED: Final = re.compile(rb"([^ ]+) ([^ ]*)")
"""The name of a suspect and of a caller."""


class SharedSuspects:
    """Tells the others what a worker has noted in its *own*, and hears what they have.

    *what* they are is told where they can't be shared; a *gauge* counts them.
    """

    def __init__(  # noqa: PLR0913  # what it is made of, and what tests change
        self,
        client: Redis,
        keys: KeptKeys,
        own: Suspects,
        unreadable: Unreadable,
        reach: Reach,
        *,
        what: str = "suspects",
        gauge: Gauge | None = None,
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
        self._bounds = (most, spare, lives // MICROSECOND)
        self._clock = clock
        self._what = what
        self._gauge = gauge
        self._exchange = client.register_script(EXCHANGE)
        self._unread: frozenset[str] = frozenset()

    async def tell(self) -> None:
        """Tell the others if there is something to tell. Raises LibraryError."""
        if self._own.untold():
            await self.exchange()

    async def exchange(self) -> None:
        """Tell the others what was noted here, and hear what they have. Raises LibraryError."""
        untold, known = self._own.untold(), self._own.known()
        told = _told(untold, [*known, *self._unread])
        moment: int | str = "" if self._clock is None else encode_time(self._clock())
        with self._reach.noting(self._what), reaching_redis():
            seen, callers, unknown, _ = await self._exchange(
                [*self._keys], [*self._bounds, moment, told]
            )
        self._own.told(untold, self._kept(known, pairs(seen), pairs(callers), pairs(unknown)))
        if self._gauge is not None:
            self._gauge.set(len(self._own.entries()))

    def _kept(
        self,
        known: Mapping[str, Noted],
        seen: Mapping[bytes, bytes],
        callers: Mapping[bytes, bytes],
        records: Mapping[bytes, bytes],
    ) -> dict[str, Noted]:
        counts = self._counts(callers)
        kept, unread = {}, []
        for name, told in seen.items():
            its, noted_id = SEEN.fullmatch(told), name.decode(errors="replace")
            if its is None or not ID.fullmatch(name):
                self._unreadable.leave_out(self._keys.seen, name, told)
                continue
            record = records.get(name)
            try:
                beside = _Beside(
                    its[3].decode(errors="replace"),
                    decode_time(int(its[1])),
                    counts.get(noted_id, {}),
                )
                kept[noted_id] = self._one(noted_id, known.get(noted_id), record, beside)
            except EncodingError:
                unread.append(noted_id)
                if record is not None:
                    self._unreadable.leave_out(self._keys.records, name, record)
        self._unread = frozenset(unread)
        return kept

    def _one(
        self, noted_id: str, known: Noted | None, record: bytes | None, beside: _Beside
    ) -> Noted:
        """Return one of which this is kept *beside* its record. Raises EncodingError."""
        if record is not None:
            known = decode_noted(noted_id, record)
        if known is None:
            raise EncodingError(what="suspect")
        return replace(
            known,
            caller=beside.caller,
            last_seen_at=beside.last_seen_at,
            first_seen_at=min(known.first_seen_at, beside.last_seen_at),
            seen=max(sum(beside.counts.values()), 1),
            callers=frozenset(beside.counts) or frozenset({beside.caller}),
        )

    def _counts(self, callers: Mapping[bytes, bytes]) -> dict[str, dict[str, int]]:
        """Return of each suspect in how many images of which caller it was."""
        counts: dict[str, dict[str, int]] = {}
        for field, told in callers.items():
            its, count = COUNTED.fullmatch(field), number(told)
            if its is None or count is None:
                self._unreadable.leave_out(self._keys.callers, field, told)
                continue
            of = counts.setdefault(its[1].decode(errors="replace"), {})
            of[its[2].decode(errors="replace")] = count
        return counts


@dataclass(frozen=True)
class _Beside:
    """What is kept beside a record, and changes."""

    caller: str
    last_seen_at: datetime
    counts: Mapping[str, int]


def _told(untold: Untold, known: Iterable[str]) -> bytes:
    return orjson.dumps(
        {
            "new": [
                {
                    "id": one.id,
                    "record": encode_noted(one).decode(),
                    "target": str(one.suspect.target),
                    "caller": one.caller,
                }
                for one in untold.new
            ],
            "seen": [
                {"id": noted_id, "caller": caller, "count": count}
                for (noted_id, caller), count in untold.seen.items()
            ],
            "gone": sorted(untold.gone),
            "known": list(known),
        }
    )
