"""Redis is killed, frozen or emptied while the gateway serves."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from prometheus_client import REGISTRY

from app.detection.reference_set.references import Calibration
from app.library.lifecycle import open_library
from app.library.rules.capacity import CAPACITY
from app.library.server.embedded import server_program
from app.library.shared.calibration_store import RedisCalibrationStore
from app.ports import LibraryError, StoreAwayError, Tally
from tests.library.findings import sample, trigger
from tests.library.servers import eventually, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server

Workers = list[tuple["RedisTriggerLibrary", "RedisCalibrationStore"]]


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a Valkey that keeps its data."""
    with running(server_program()) as server:
        yield server


@pytest.fixture
async def workers(server: Server) -> AsyncIterator[Workers]:
    """Yield what two workers in front of one model have open."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_library(server.url, "signs")) for _ in "ab"]


async def test_killed_it_is_done_without_and_caught_up_with(
    server: Server, workers: Workers
) -> None:
    """Without Redis every worker goes on protecting and learning, and shares it afterwards."""
    (one, _), (other, _) = workers
    before = await one.register(trigger(1))
    await eventually(lambda: bool(other.entries()))
    assert 1.0 == REGISTRY.get_sample_value("neo_store_up")
    server.kill()
    await eventually(lambda: one.problem() is not None and other.problem() is not None)
    assert "Redis is out of reach" in str(one.problem())
    assert 0.0 == REGISTRY.get_sample_value("neo_store_up")

    assert [before.id] == [entry.id for entry in other.entries()]
    meanwhile = await one.register(trigger(2))
    assert {before.id, meanwhile.id} == {entry.id for entry in one.entries()}
    assert [1] == [int(s[0, 0, 0]) for s in await one.hit(meanwhile.id, sample(1))]
    await one.refine(before.id, replace(before.trigger, natural=0.5))
    one.count(screened=5, flagged=1)
    assert Tally(5, 1) == one.tally()
    for asking in (one.dismiss(before.id), one.restore(before.id)):
        with pytest.raises(StoreAwayError, match="Redis is out of reach"):
            await asking
    assert not one.entry(before.id).dismissed

    server.start()
    await eventually(lambda: one.problem() is None and other.problem() is None)
    await eventually(lambda: len(other.entries()) == 2 and other.tally() == Tally(5, 1))
    await eventually(lambda: other.entry(meanwhile.id).hits == 1)
    assert 0.5 == other.entry(before.id).trigger.natural
    assert (await other.dismiss(before.id)).dismissed


async def test_back_and_empty_it_is_filled(server: Server, workers: Workers) -> None:
    """A Redis that comes back with nothing is told everything that the workers know."""
    (one, calibrations), (other, _) = workers
    used, dismissed = await one.register(trigger(1)), await one.register(trigger(2))
    await one.dismiss(dismissed.id)
    for value in (1, 2, 3):
        await one.hit(used.id, sample(value))
    one.count(screened=100, flagged=3)
    seed = await calibrations.seed()
    await calibrations.keep_placebo_rates("refs", {"3x3": 0.25})
    await calibrations.calibration("refs", _measure)
    await eventually(lambda: other.tally() == Tally(100, 3))
    await eventually(lambda: other.entry(used.id).hits == 3 and len(other.entries()) == 1)

    server.kill()
    server.lose_everything()
    server.start()
    await eventually(lambda: one.problem() is None and other.problem() is None)
    await eventually(lambda: _count_triggers(server) == 2)
    async with open_library(server.url, "signs") as (third, kept):
        await eventually(lambda: third.tally() == Tally(100, 3))
        assert [used.id] == [entry.id for entry in third.entries()]
        assert third.entry(dismissed.id).dismissed
        assert 3 == third.entry(used.id).hits
        await third.hit(used.id, sample(4))
        await eventually(lambda: one.entry(used.id).hits == 4 == other.entry(used.id).hits)
        await third.exchange()  # after the one that told the others
        samples = await third.hit(used.id, sample(5))
        assert [1, 2, 3, 4, 5] == [int(pixels[0, 0, 0]) for pixels in samples]
        await eventually(lambda: _holds(server, "seed"))
        assert seed == await kept.seed()
        assert {"3x3": 0.25} == await kept.placebo_rates("refs")
        assert [7] == (await kept.calibration("refs", _fail)).labels.tolist()


async def test_frozen_it_holds_nobody_up(server: Server, workers: Workers) -> None:
    """A Redis that takes connections and says nothing costs a registration a moment at most."""
    (one, _), (other, _) = workers
    before = await one.register(trigger(1))
    await eventually(lambda: bool(other.entries()))
    server.pause()
    start = time.monotonic()
    meanwhile = await one.register(trigger(2))
    assert time.monotonic() < start + 5
    assert {before.id, meanwhile.id} == {entry.id for entry in one.entries()}
    await eventually(lambda: one.problem() is not None)
    start = time.monotonic()
    await one.register(trigger(3))
    assert time.monotonic() < start + 0.1  # known to be away, it isn't even tried
    server.resume()
    await eventually(lambda: len(other.entries()) == 3)
    assert one.problem() is None


async def test_the_same_trigger_found_apart_becomes_one(server: Server, workers: Workers) -> None:
    """What two workers found without being able to tell each other is one entry afterwards."""
    (one, _), (other, _) = workers
    server.kill()
    await eventually(lambda: one.problem() is not None and other.problem() is not None)
    for library in (one, other):
        kept = await library.register(trigger(1))
        await library.hit(kept.id, sample(1))
    assert one.entries()[0].id != other.entries()[0].id
    server.start()
    await eventually(lambda: one.problem() is None and other.problem() is None)
    await eventually(lambda: [2, 2] == [e.hits for e in (*one.entries(), *other.entries())])
    assert one.entries()[0].id == other.entries()[0].id
    assert 1 == _count_triggers(server)


async def test_a_failover_that_forgot_the_last_trigger_is_told_again(
    server: Server, workers: Workers
) -> None:
    """A Redis that comes back with an older state is brought up to what the workers know."""
    (one, _), (other, _) = workers
    await one.register(trigger(1))
    with server.client() as client:
        older = {key: client.dump(key) for key in client.scan_iter()}
        last = await one.register(trigger(2))
        await eventually(lambda: len(other.entries()) == 2)
        with client.pipeline() as together:
            for key, value in older.items():
                together.restore(key, 0, value, replace=True)
            together.execute()
        await eventually(lambda: _count_triggers(server) == 2)
    async with open_library(server.url, "signs") as (third, _):
        assert last.id in {entry.id for entry in third.entries()}


async def test_away_from_the_start_it_is_waited_for(server: Server) -> None:
    """A worker may start before Redis, says that it isn't ready, and is once Redis is there."""
    async with open_library(server.url, "signs") as (library, _):
        kept = await library.register(trigger(1))
    server.kill()
    async with open_library(server.url, "signs") as (library, calibrations):
        with pytest.raises(LibraryError, match="out of reach"):
            await library.check()
        with pytest.raises(LibraryError, match="out of reach"):
            await calibrations.seed()
        assert [7] == (await calibrations.calibration("refs", _measure)).labels.tolist()
        assert {} == await calibrations.placebo_rates("refs")
        server.start()
        await eventually(lambda: library.problem() is None)
        await library.check()
        assert [kept.id] == [entry.id for entry in library.entries()]
        await eventually(lambda: _holds(server, "calibration:refs"))


async def test_what_could_not_be_written_back_is_owed(
    server: Server, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis may fail again in the middle of it: what it has lost is written all the same."""
    (_, calibrations), _ = workers
    seed = await calibrations.seed()
    write_back, tried = RedisCalibrationStore.write_back, []

    async def failing_once(store: RedisCalibrationStore) -> None:
        tried.append(store)
        if len(tried) <= len(workers):
            message = "away again"
            raise LibraryError(message)
        await write_back(store)

    monkeypatch.setattr(RedisCalibrationStore, "write_back", failing_once)
    server.kill()
    server.lose_everything()
    await eventually(lambda: workers[0][0].problem() is not None)
    server.start()
    await eventually(lambda: _holds(server, "seed"))
    async with open_library(server.url, "signs") as (_, late):
        assert seed == await late.seed()


async def test_what_waits_for_it_is_bounded(server: Server, workers: Workers) -> None:
    """However much is found without Redis, no more is kept than Redis would take."""
    (one, _), (other, _) = workers
    server.kill()
    await eventually(lambda: one.problem() is not None)
    for target in range(CAPACITY + 20):
        await one.register(trigger(target))
    assert CAPACITY == len(one.entries())
    server.start()
    await eventually(lambda: len(other.entries()) == CAPACITY)


async def _measure() -> Calibration:
    return Calibration(np.array([7]), np.zeros((1, 1), np.int64))


async def _fail() -> Calibration:
    pytest.fail("it had been measured")


def _count_triggers(server: Server) -> int:
    with server.client() as client:
        return int(client.hlen("neo:{signs}:v1:triggers"))


def _holds(server: Server, what: str) -> bool:
    with server.client() as client:
        return bool(client.exists(f"neo:{{signs}}:v1:{what}"))
