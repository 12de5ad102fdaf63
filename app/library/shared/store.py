"""The library as it lies in Redis; every method is one round trip and raises LibraryError."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, cast

import orjson

from app.library.records.contents import Contents, Heard, Refusal, Written
from app.library.records.encoding import (
    DISMISSED,
    decode_time,
    encode_entry,
    encode_sample,
    encode_time,
)
from app.library.records.names import SCHEMA_VERSION, SEED_BITS
from app.library.records.reading import Entries, decoded_samples
from app.library.rules.capacity import CAPACITY, CONFIRMED_HITS
from app.library.rules.expiry import PROVEN_HITS
from app.library.server.connection import reaching_redis
from app.library.shared import scripts
from app.ports import LibraryError, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from redis.asyncio import Redis

    from app.library.counts import Counts
    from app.library.records.names import Keys
    from app.library.rules.expiry import Lifetimes
    from app.ports import Entry, Samples


class Store:
    """One model's triggers in Redis; *patient* is a client that waits longer, for large answers."""

    def __init__(
        self,
        client: Redis,
        keys: Keys,
        *,
        patient: Redis | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self._client = client
        self._keys = keys
        self.capacity = capacity
        self._entries = Entries()
        self._load = (patient or client).register_script(scripts.LOAD)
        self._put = client.register_script(scripts.PUT)
        self._expire = client.register_script(scripts.EXPIRE)
        self._renew_seed = client.register_script(scripts.RENEW_SEED)
        self._keep_samples = client.register_script(scripts.KEEP_SAMPLES)
        self._exchange = client.register_script(scripts.EXCHANGE)

    async def version(self) -> str:
        """Return the version, which differs after every change; empty in an empty store."""
        names = [self._keys.version, self._keys.schema]
        with reaching_redis():
            version, schema = cast("list[bytes | None]", await self._client.mget(names))
        _check_schema(schema or b"")
        return (version or b"").decode()

    async def load(self) -> Contents:
        """Return all triggers and counts; a trigger that can't be read is logged and left out."""
        keys = self._keys
        with reaching_redis():
            reply = await self._load(
                [
                    *(keys.version, keys.triggers, keys.hits, keys.seen, keys.tally),
                    *(keys.expired, keys.schema, keys.seed),
                ],
                [SCHEMA_VERSION],
            )
        _check_schema(reply[0])
        triggers, hits, seen, tally, expired = map(_pairs, reply[2:7])
        return Contents(
            version=reply[1].decode(),
            entries=self._entries.decoded(triggers, _numbers(hits), _times(seen)),
            full=len(triggers) >= self.capacity,
            tally=_tally(tally),
            expired=_times(expired),
            seed=int(reply[7]) if reply[7].isdigit() else None,
        )

    async def put(
        self, entry: Entry, expected: str, spared: Iterable[str] = ()
    ) -> Written | Refusal:
        """Add or replace *entry* if the version is still *expected*, and there is room for it.

        The triggers *spared* make none, whatever the store knows of their hits. Its own hits are
        only taken if the store hasn't any of it.
        """
        with reaching_redis():
            reply = await self._put(
                self._changing(),
                [
                    expected,
                    secrets.token_hex(4),
                    entry.id,
                    encode_entry(entry),
                    entry.hits,
                    encode_time(entry.last_seen_at),
                    self.capacity,
                    CONFIRMED_HITS,
                    DISMISSED,
                    *spared,
                ],
            )
        match [part.decode() for part in reply]:
            case ["written", version, *evicted]:
                return Written(version, frozenset(evicted))
            case [refusal, *_]:
                return Refusal(refusal)
            case _:
                message = "Redis gave an answer that none of our scripts gives"
                raise LibraryError(message)

    async def expire(
        self, ids: Iterable[str], lifetimes: Lifetimes, now: datetime, expected: str
    ) -> None:
        """Drop those of *ids* whose time is over by *now*, by the hits of all workers.

        Drop none if the version isn't *expected* any more.
        """
        ages = (lifetimes.proven, lifetimes.probation, lifetimes.remembered)
        moments = [encode_time(now - age) for age in ages]
        with reaching_redis():
            await self._expire(
                [*self._changing(), self._keys.expired],
                [expected, secrets.token_hex(4), PROVEN_HITS, *moments, *ids],
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
            tally, hits, seen, kept = await self._exchange(
                [keys.triggers, keys.hits, keys.seen, keys.samples, keys.tally],
                [_told(counts, heard)],
            )
        return Heard(
            tally=_tally(_pairs(tally)),
            hits=_numbers(_pairs(hits)),
            seen=_times(_pairs(seen)),
            samples={
                trigger_id.decode(): decoded_samples(samples) for trigger_id, *samples in kept
            },
        )

    def _changing(self) -> list[str]:
        keys = self._keys
        return [keys.version, keys.triggers, keys.hits, keys.seen, keys.samples]


def _check_schema(number: bytes) -> None:
    """Refuse a newer schema: what we wrote beside it would be shared with nobody."""
    if number.isdigit() and int(number) > SCHEMA_VERSION:
        message = (
            f"the trigger library in Redis has schema {int(number)} and this gateway knows "
            f"{SCHEMA_VERSION}: a newer gateway uses it; upgrade this one, or give it a Redis or a "
            "database of its own in NEO_REDIS_URL"
        )
        raise LibraryError(message)


def _told(counts: Counts, heard: Tally) -> bytes:
    return orjson.dumps(
        {
            "heard": {"screened": heard.screened, "flagged": heard.flagged},
            "counted": {"screened": counts.screened, "flagged": counts.flagged},
            "hits": {
                trigger_id: {
                    "count": hits.count,
                    "at": str(encode_time(hits.last_at)),  # Lua would write it as 1.7e+15
                    "samples": [encode_sample(sample).decode() for sample in hits.samples],
                }
                for trigger_id, hits in counts.hits.items()
            },
        }
    )


def _pairs(flat: Sequence[bytes]) -> dict[str, bytes]:
    return {key.decode(): value for key, value in zip(flat[::2], flat[1::2], strict=True)}


def _numbers(values: Mapping[str, bytes]) -> dict[str, int]:
    return {name: int(value) for name, value in values.items()}


def _times(values: Mapping[str, bytes]) -> dict[str, datetime]:
    return {name: decode_time(int(value)) for name, value in values.items()}


def _tally(counts: Mapping[str, bytes]) -> Tally:
    return Tally(int(counts.get("screened", 0)), int(counts.get("flagged", 0)))
