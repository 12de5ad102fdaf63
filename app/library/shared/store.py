"""The library as it lies in Redis; every method is one round trip and raises LibraryError."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, cast

import orjson

from app.library.records.basics import MICROSECOND, decode_time, encode_time
from app.library.records.contents import Contents, Heard, Refusal, Written
from app.library.records.encoding import (
    DISMISSED,
    decode_schema,
    decode_seed,
    encode_entry,
    encode_sample,
)
from app.library.records.names import SCHEMA_VERSION, SEED_BITS
from app.library.records.reading import (
    Entries,
    Unreadable,
    decoded_samples,
    numbers,
    pairs,
    times,
)
from app.library.rules.capacity import CAPACITY, CONFIRMED_HITS
from app.library.rules.expiry import PROVEN_HITS
from app.library.server.connection import reaching_redis
from app.library.shared.lua import library
from app.ports import LibraryError, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from redis.asyncio import Redis

    from app.library.counts import Counts
    from app.library.records.names import Keys
    from app.library.rules.expiry import Lifetimes
    from app.ports import Entry, Samples


AS_IT_IS = "latin-1"
"""Text of any bytes, and back: of a version it only matters if it is the same."""


class Store:
    """One model's triggers in Redis; *patient* is a client that waits longer, for large answers.

    A *clock* takes the place of the server's own: for tests.
    """

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        *,
        patient: Redis | None = None,
        capacity: int = CAPACITY,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._client = client
        self._keys = keys
        self.capacity = capacity
        self.unreadable = Unreadable()
        self._entries = Entries(keys, self.unreadable)
        self._clock = clock
        self._load = (patient or client).register_script(library.LOAD)
        self._put = client.register_script(library.PUT)
        self._expire = client.register_script(library.EXPIRE)
        self._renew_seed = client.register_script(library.RENEW_SEED)
        self._keep_samples = client.register_script(library.KEEP_SAMPLES)
        self._exchange = client.register_script(library.EXCHANGE)

    async def version(self) -> str:
        """Return the version, which differs after every change; empty in an empty store."""
        names = [self._keys.version, self._keys.schema]
        with reaching_redis():
            version, schema = cast("list[bytes | None]", await self._client.mget(names))
        _check_schema(schema or b"")
        return (version or b"").decode(AS_IT_IS)

    async def load(self) -> Contents:
        """Return all triggers and counts; what can't be read is left out."""
        keys = self._keys
        with reaching_redis():
            reply = await self._load(
                [
                    *(keys.version, keys.triggers, keys.hits, keys.seen, keys.tally),
                    *(keys.expired, keys.schema, keys.seed),
                ],
                [SCHEMA_VERSION, self._told_moment()],
            )
        _check_schema(reply[0])
        self._note_others(reply[0], reply[9])
        triggers, hits, seen, tally, expired = map(pairs, reply[2:7])
        now = decode_time(int(reply[8]))
        return Contents(
            version=reply[1].decode(AS_IT_IS),
            entries=self._entries.decoded(
                triggers, self._hits(hits), times(keys.seen, seen, self.unreadable), now
            ),
            full=len(triggers) - len(self._entries.unread) >= self.capacity,
            tally=self._tally(tally),
            now=now,
            expired=times(keys.expired, expired, self.unreadable),
            seed=decode_seed(reply[7]),
            schema=decode_schema(reply[0]),
        )

    async def put(
        self, entry: Entry, expected: str, spared: Iterable[str] = (), finder: str = ""
    ) -> Written | Refusal:
        """Add or replace *entry* if the version is still *expected*, and there is room for it.

        The triggers *spared* make none, whatever the store knows of their hits. Its own hits are
        only taken if the store hasn't any of it. *finder* is the caller whose image revealed it.
        """
        unread = self._entries.unread
        with reaching_redis():
            reply = await self._put(
                [*self._changing(), self._keys.expired],
                [
                    expected.encode(AS_IT_IS),
                    secrets.token_hex(4),
                    entry.id,
                    encode_entry(entry),
                    entry.hits,
                    encode_time(entry.last_seen_at),
                    self.capacity,
                    CONFIRMED_HITS,
                    DISMISSED,
                    self._told_moment(),
                    finder,
                    len(unread),
                    *unread,
                    *spared,
                ],
            )
        match reply:
            case [b"written", version, *evicted]:
                gone = frozenset(name.decode(errors="replace") for name in evicted)
                return Written(version.decode(AS_IT_IS), gone)
            case [b"moved" | b"full" as refusal]:
                return Refusal(refusal.decode())
            case _:
                message = "Redis gave an answer that none of our scripts gives"
                raise LibraryError(message)

    async def expire(self, ids: Iterable[str], lifetimes: Lifetimes, expected: str) -> None:
        """Drop those of *ids* whose time is over by the store's clock, by the hits of all workers.

        Drop none if the version isn't *expected* any more.
        """
        ages = (lifetimes.proven, lifetimes.probation, lifetimes.remembered)
        with reaching_redis():
            await self._expire(
                [*self._changing(), self._keys.expired],
                [
                    expected.encode(AS_IT_IS),
                    secrets.token_hex(4),
                    PROVEN_HITS,
                    *(age // MICROSECOND for age in ages),
                    self._told_moment(),
                    *ids,
                ],
            )

    async def renew_seed(self, told: int) -> None:
        """Draw a new secret seed in place of the one that an entry has *told*, and scrub that."""
        with reaching_redis():
            await self._renew_seed(
                [*self._changing(), self._keys.seed],
                [told, secrets.randbits(SEED_BITS), secrets.token_hex(4)],
            )

    async def keep_samples(self, trigger_id: str, samples: Samples) -> None:
        """Give back to the store those of its first *samples* that it has lost."""
        with reaching_redis():
            await self._keep_samples(
                [self._keys.triggers, self._keys.samples],
                [trigger_id, *map(encode_sample, samples)],
            )

    async def exchange(self, counts: Counts, heard: Tally) -> Heard:
        """Add *counts* to those of all workers and return these.

        *heard* is the tally that this worker heard last: if the store has less, it has lost some.
        A call that times out may have been obeyed; counts may then be added twice.
        """
        keys = self._keys
        with reaching_redis():
            tally, hits, seen, kept, now = await self._exchange(
                [*self._changing(), keys.tally, keys.schema],
                [
                    _told(counts, heard),
                    SCHEMA_VERSION,
                    secrets.token_hex(4),
                    PROVEN_HITS,
                    self._told_moment(),
                ],
            )
        return Heard(
            tally=self._tally(pairs(tally)),
            hits=self._hits(pairs(hits)),
            seen=times(keys.seen, pairs(seen), self.unreadable),
            samples={
                name.decode(): decoded_samples(
                    keys.samples, name.decode(), samples, self.unreadable
                )
                for name, *samples in kept
            },
            now=decode_time(int(now)),
        )

    def _hits(self, fields: Mapping[bytes, bytes]) -> dict[str, int]:
        """Return the hits in *fields*; where they can't be read, those of a proven trigger."""
        known = numbers(self._keys.hits, fields, self.unreadable)
        return {name.decode(errors="replace"): PROVEN_HITS for name in fields} | known

    def _tally(self, fields: Mapping[bytes, bytes]) -> Tally:
        counts = numbers(self._keys.tally, fields, self.unreadable)
        screened, flagged = counts.get("screened", 0), counts.get("flagged", 0)
        # An older release hasn't counted what it has answered: that is the least.
        return Tally(screened, flagged, counts.get("answered", max(screened, flagged)))

    def _note_others(self, schema: bytes, others: Iterable[bytes]) -> None:
        """Name the keys that are of another type, and a schema's number that is none."""
        for key in others:
            self.unreadable.leave_out(key.decode())
        if schema and decode_schema(schema) is None:
            self.unreadable.leave_out(self._keys.schema, value=schema)

    def _told_moment(self) -> int | str:
        return "" if self._clock is None else encode_time(self._clock())

    def _changing(self) -> list[str]:
        keys = self._keys
        return [
            *(keys.version, keys.triggers, keys.hits, keys.seen, keys.samples, keys.callers),
            keys.news,
        ]


def _check_schema(told: bytes) -> None:
    """Refuse a newer schema: what we wrote beside it would be shared with nobody."""
    newer = decode_schema(told) or 0
    if newer > SCHEMA_VERSION:
        message = (
            f"the trigger library in Redis has schema {newer} and this gateway knows "
            f"{SCHEMA_VERSION}: a newer gateway uses it; upgrade this one, or give it a Redis or a "
            "database of its own in NEO_REDIS_URL"
        )
        raise LibraryError(message)


def _told(counts: Counts, heard: Tally) -> bytes:
    return orjson.dumps(
        {
            "heard": heard,
            "counted": counts.tally,
            "hits": {
                trigger_id: {
                    "count": hits.count,
                    "at": str(encode_time(hits.last_at)),  # Lua would write it as 1.7e+15
                    "callers": sorted(hits.callers),
                    "samples": [encode_sample(sample).decode() for sample in hits.samples],
                }
                for trigger_id, hits in counts.hits.items()
            },
        }
    )
