"""Every field of every key in Redis spoilt in turn: workers that run and that start go on."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson
import pytest
from prometheus_client import REGISTRY

from app.detection.reference_set.references import Calibration
from app.library.records.basics import encode_time
from app.library.records.names import Keys
from app.library.records.reading import number
from app.library.server.addresses import connected
from app.library.server.embedded import server_program
from app.library.shared.calibration_store import RedisCalibrationStore
from app.library.shared.store import Store
from app.library.triggers import RedisTriggerLibrary
from tests.library.findings import NOW, sample, trigger
from tests.library.servers import running
from tests.library.spoiling import paths, spoilt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from redis import Redis

    from tests.library.servers import Server

KEYS = Keys("signs")
PLAIN = (KEYS.version, KEYS.schema, KEYS.seed, KEYS.calibration("refs"), KEYS.lease("other"))
HASHES = (
    *(KEYS.triggers, KEYS.hits, KEYS.seen, KEYS.samples, KEYS.tally, KEYS.expired, KEYS.callers),
    KEYS.placebo_rates("refs"),
)
SPOILT = (
    *(b"", b"\xff\x00", b"nan", b"-1", b"1e5", b"0x10", b" 7", b"007", b"null", b"{", b"[]"),
    *(b"9" * 15, b"9" * 19, b"9" * 400, b"9" * 5000, b"1e999"),
)
TARGETS = (1, 2, 3)
RATE = {"3x3": 0.25}
State = dict[bytes, bytes]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a Valkey for all tests."""
    with running(server_program()) as server:
        yield server


@dataclass
class Worker:
    """What a worker does all the time, step by step."""

    library: RedisTriggerLibrary
    calibrations: RedisCalibrationStore

    async def step(self) -> None:
        """Follow the library, tell the counts, ask for the secret and the rates."""
        await self.library.synchronise()
        await self.library.exchange()
        assert 0 <= await self.calibrations.seed() < 2**63
        await self.calibrations.placebo_rates("refs")
        await self.calibrations.write_back()

    async def start(self) -> None:
        """Do what a start waits for, and some steps."""
        await self.library.synchronise()
        await self.library.check()
        for key in ("refs", "other"):
            assert [7] == (await self.calibrations.calibration(key, _measure)).labels.tolist()
        for _ in range(3):
            await self.step()
        assert self.library.problem() is None

    @property
    def known(self) -> set[str]:
        """The ids of the triggers that it knows."""
        return {entry.id for entry in (*self.library.entries(), *self.library.dismissed())}


@asynccontextmanager
async def worker(server: Server) -> AsyncIterator[Worker]:
    """Yield a worker that does nothing in the background."""
    async with connected(server.url, 10.0) as client:
        store = Store(client, KEYS)
        yield Worker(
            RedisTriggerLibrary(store), RedisCalibrationStore(client, KEYS, store.unreadable)
        )


async def filled(server: Server, client: Redis) -> State:
    """Fill the server with some of everything; return that."""
    client.flushall()
    async with worker(server) as first:
        await first.start()
        for target in TARGETS:
            kept = await first.library.register(trigger(target))
            for value in range(3):
                await first.library.hit(kept.id, sample(value), "somebody")
        await first.library.dismiss(first.library.entries()[0].id)
        first.library.count(screened=10, flagged=3)
        await first.calibrations.keep_placebo_rates("refs", RATE)
        await first.step()
    client.hset(KEYS.expired, "t-gone", encode_time(NOW))
    assert len(TARGETS) == client.hlen(KEYS.callers)
    return {bytes(key): bytes(client.dump(key) or b"") for key in client.scan_iter()}


def restore(client: Redis, state: State) -> None:
    """Bring *state* back."""
    client.flushall()
    for key, value in state.items():
        client.restore(key, 0, value)


@pytest.mark.parametrize("key", [*PLAIN, *HASHES])
async def test_whatever_is_there_nobody_trips(server: Server, key: str) -> None:
    """Other bytes, none, too many, another type: all else is known, and new things are shared."""
    with server.client() as client:
        state = await filled(server, client)
        for spoil in [*_of_another_type(client, key), *_spoilers(client, key)]:
            restore(client, state)
            async with worker(server) as runs, worker(server) as starts, worker(server) as late:
                await runs.start()
                before = runs.known
                spoil()
                for _ in range(2):
                    await runs.step()
                assert runs.library.problem() is None
                assert before == runs.known
                await starts.start()
                found = await starts.library.register(trigger(9))
                await runs.step()  # it writes back what it knows, too
                await late.start()
                assert before | {found.id} == runs.known == late.known


def _of_another_type(client: Redis, key: str) -> Iterator[Any]:
    def other() -> None:
        client.delete(key)
        client.rpush(key, "not", "this")

    def plain() -> None:
        client.set(key, "text")

    yield other
    if key in HASHES:
        yield plain


def _spoilers(client: Any, key: str) -> Iterator[Any]:
    """Yield what spoils the key, and each kind of field in it, in each way."""
    if key in PLAIN:
        text = client.get(key) or b""
        for other in (*SPOILT, text[: len(text) // 2]):
            yield partial(client.set, key, other)
        return
    fields = client.hgetall(key)
    name, whole = next(iter(fields.items()))
    for value in (*SPOILT, whole[: len(whole) // 2]):
        if key == KEYS.seen and number(value) is not None:  # a time long ago
            continue
        yield partial(client.hset, key, name, value)
    yield partial(client.hset, key, b"\xff\xfe", whole)
    yield partial(client.hset, key, mapping=dict.fromkeys(fields, b"rubbish"))


async def test_every_field_of_an_entry_may_be_spoilt(server: Server) -> None:
    """An entry with any field that can't be is left out alone, by a worker that starts."""
    with server.client() as client:
        state = await filled(server, client)
        async with worker(server) as runs:
            await runs.start()
            everybody = runs.known
        name, data = next(iter(client.hgetall(KEYS.triggers).items()))
        for path in paths(orjson.loads(data)):
            for value in cast("list[object]", [None, -1, 2**63 - 1, 1e300, "", [], {}]):
                restore(client, state)
                client.hset(KEYS.triggers, name, orjson.dumps(spoilt(data, path, value)))
                async with worker(server) as starts:
                    await starts.library.synchronise()
                    await starts.library.exchange()
                    assert everybody - {name.decode()} <= starts.known, (path, value)
                    for entry in starts.library.entries():
                        assert 0 <= entry.trigger.evidence.carry_rate < 2**31


async def test_an_id_is_fit_for_addresses_headers_and_files(server: Server) -> None:
    """An entry under any other one is left out."""
    with server.client() as client:
        await filled(server, client)
        entry = orjson.loads(client.hvals(KEYS.triggers)[0])
        for odd in (
            't-"><script>',
            "a/../b",
            "..",
            "a b",
            "t\r\nSet-Cookie: a=b",
            "t-" + 99 * "9",
            "",
        ):
            client.hset(KEYS.triggers, odd, orjson.dumps({**entry, "id": odd}))
        client.hset(KEYS.triggers, "t-9_z.A", orjson.dumps({**entry, "id": "t-9_z.A"}))
        async with worker(server) as starts:
            await starts.start()
            assert len(TARGETS) + 1 == len(starts.known)
            assert "t-9_z.A" in starts.known


async def test_it_is_named_once_and_counted(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """However often it is read, the log has one line of it, without its bytes; a metric counts."""
    with server.client() as client:
        await filled(server, client)
        name = next(iter(client.hgetall(KEYS.triggers)))
        client.hset(KEYS.triggers, name, b"secret")
        client.hset(KEYS.expired, b"t-\xff\n", b"soon")
        before = REGISTRY.get_sample_value("neo_store_unreadable_total") or 0.0
        with caplog.at_level(logging.WARNING):
            async with worker(server) as starts:
                for target in range(5):
                    client.incr("neo:{signs}:other")
                    client.set(KEYS.version, f"{target}-changed")
                    await starts.start()
    said = [record.getMessage() for record in caplog.records]
    assert sorted(said) == sorted(
        f"{what} in Redis can't be read and is left out"
        for what in (f"'{name.decode()}' of {KEYS.triggers}", f"'t-\\\\xff\\n' of {KEYS.expired}")
    )
    assert before + 2 == REGISTRY.get_sample_value("neo_store_unreadable_total")


async def test_what_cannot_be_read_makes_room_first(server: Server) -> None:
    """A library that somebody has filled with rubbish takes new triggers all the same."""
    with server.client() as client:
        client.flushall()
        client.hset(KEYS.triggers, mapping={f"t-{i}": "rubbish" for i in range(4)})
        client.hset(KEYS.hits, mapping={f"t-{i}": 9 for i in range(4)})
        async with connected(server.url) as connection:
            library = RedisTriggerLibrary(Store(connection, KEYS, capacity=4))
            await library.synchronise()
            kept = await library.register(trigger())
            assert [kept.id] == [entry.id for entry in library.entries()]
        assert 4 == client.hlen(KEYS.triggers)
        assert client.hexists(KEYS.triggers, kept.id)


@pytest.mark.parametrize("field", [b"", b"rubbish", None])
async def test_a_time_or_count_that_is_gone_drops_nothing(
    server: Server, field: bytes | None
) -> None:
    """A trigger of which the last time and the hits can't be read is kept as a proven one."""
    with server.client() as client:
        await filled(server, client)
        for name in client.hkeys(KEYS.triggers):
            for key in (KEYS.hits, KEYS.seen):
                client.hdel(key, name) if field is None else client.hset(key, name, field)
        client.set(KEYS.version, "77-other")
        async with worker(server) as starts:
            await starts.start()
            assert 3 == len(starts.known)


async def _measure() -> Calibration:
    return Calibration(np.array([7]), np.zeros((1, 1), np.int64))
