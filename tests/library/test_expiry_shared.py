"""Triggers expire for all workers at once; one that isn't synchronised is cut off from Redis."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.library.lifecycle import open_library
from app.library.records.basics import encode_time
from app.library.records.encoding import encode_entry
from app.library.records.names import Keys
from app.library.rules.expiry import PROVEN_HITS
from app.library.server.addresses import connected
from app.library.shared.store import Store
from app.library.triggers import RedisTriggerLibrary
from tests.library.clocks import Clock
from tests.library.findings import entry, sample, trigger
from tests.library.servers import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.library.servers import Server

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEYS = Keys("signs")
Pair = tuple[RedisTriggerLibrary, RedisTriggerLibrary]


@pytest.fixture
def clock() -> Clock:
    """Return the clock of both workers."""
    return Clock()


@pytest.fixture
async def pair(server: Server, clock: Clock) -> AsyncIterator[Pair]:
    """Yield the libraries of two workers that do nothing in the background."""
    async with _worker(server, clock) as one, _worker(server, clock) as other:
        yield one, other


@asynccontextmanager
async def _worker(
    server: Server, clock: Clock, own: Clock | None = None
) -> AsyncIterator[RedisTriggerLibrary]:
    async with connected(server.url) as client:
        library = RedisTriggerLibrary(Store(client, KEYS, clock=clock), clock=own or clock)
        await library.synchronise()
        yield library


async def test_one_planted_by_hand_expires_on_every_worker(server: Server, clock: Clock) -> None:
    """A trigger that somebody has put into Redis, and that no image carries, is gone in a day."""
    planted = entry("planted")
    with server.client() as client:
        client.hset(KEYS.triggers, planted.id, encode_entry(planted))
    async with AsyncExitStack() as stack:
        libraries = [
            (
                await stack.enter_async_context(
                    open_library(server.url, "signs", clock=clock, store_clock=clock)
                )
            )[0]
            for _ in "ab"
        ]
        assert [[planted.id]] * 2 == [_ids(library) for library in libraries]
        clock.forward(DAY)
        await eventually(lambda: not any(library.entries() for library in libraries))
    assert [0, 0, 0, 0] == _sizes(server)


async def test_workers_that_see_it_at_once_agree(pair: Pair, clock: Clock, server: Server) -> None:
    """However many workers see that the time is over, the trigger is dropped once."""
    one, other = pair
    await one.register(trigger())
    await other.synchronise()
    before = _changes(server)
    clock.forward(DAY)
    await asyncio.gather(*(library.synchronise() for library in (one, other) * 5))
    assert ([], []) == (_ids(one), _ids(other))
    assert before + 1 == _changes(server)


async def test_a_hit_on_one_worker_keeps_it_on_all(pair: Pair, clock: Clock) -> None:
    """A worker that hasn't heard of a hit drops nothing that another one has seen."""
    one, other = pair
    kept = await one.register(trigger())
    await other.synchronise()
    clock.forward(23 * HOUR)
    await other.hit(kept.id, sample(1))
    await other.exchange()
    clock.forward(HOUR)
    await one.synchronise()  # to its knowledge the time is over
    assert [kept.id] == _ids(one)
    await one.exchange()
    clock.forward(23 * HOUR)
    await one.synchronise()
    await other.synchronise()
    assert ([], []) == (_ids(one), _ids(other))


async def test_a_proven_one_stays_for_thirty_days(pair: Pair, clock: Clock) -> None:
    """Three images, whichever workers saw them, give a trigger more time."""
    one, other = pair
    kept = await one.register(trigger())
    await other.synchronise()
    await one.hit(kept.id, sample(1))
    for _ in range(PROVEN_HITS - 1):
        await other.hit(kept.id, sample(1))
    for library in (one, other):
        await library.exchange()
    clock.forward(30 * DAY - HOUR)
    await one.synchronise()  # it hasn't heard of all hits, if it told its own first
    assert [kept.id] == _ids(one)
    clock.forward(HOUR)
    await other.synchronise()
    assert [] == _ids(other)


async def test_a_dismissed_one_stays_dismissed(pair: Pair, clock: Clock) -> None:
    """Its owner's word stands for ever; once it is restored it has a day like any other."""
    one, other = pair
    kept = await one.register(trigger())
    await one.dismiss(kept.id)
    clock.forward(400 * DAY)
    await other.synchronise()
    assert [kept.id] == [entry.id for entry in other.dismissed()]
    assert clock() == (await other.restore(kept.id)).last_seen_at
    for library in (other, one):
        await library.synchronise()
        assert [kept.id] == _ids(library)
    clock.forward(DAY)
    await one.synchronise()
    assert [] == _ids(one)


async def test_a_worker_that_was_cut_off_does_not_bring_it_back(
    pair: Pair, clock: Clock, server: Server
) -> None:
    """What expired while a worker was away is gone there too when it returns."""
    one, cut_off = pair
    expired = await one.register(trigger(1))
    await cut_off.synchronise()
    clock.forward(DAY)
    kept = await one.register(trigger(2))
    assert [kept.id] == _ids(one)
    assert [expired.id] == _ids(cut_off)
    await cut_off.synchronise()
    await one.synchronise()
    assert ([kept.id], [kept.id]) == (_ids(one), _ids(cut_off))
    assert 1 == _sizes(server)[0]


@pytest.mark.parametrize("wrong", [31 * DAY, -31 * DAY])
async def test_a_worker_whose_clock_is_wrong_agrees(server: Server, wrong: timedelta) -> None:
    """However far a worker's own clock is off: it drops nothing, and nothing too late."""
    store_clock, own_clock = Clock(), Clock()
    own_clock.forward(wrong)
    async with (
        _worker(server, store_clock) as right,
        _worker(server, store_clock, own_clock) as off,
    ):
        kept, hit = await off.register(trigger(1)), await right.register(trigger(2))
        assert store_clock() == kept.discovered_at
        await off.synchronise()
        for clock in (store_clock, own_clock):
            clock.forward(23 * HOUR)
        await off.hit(hit.id, sample(1))
        for library in (off, right):
            await library.exchange()
            await library.synchronise()
            assert {kept.id, hit.id} == set(_ids(library))
        assert store_clock() == right.entry(hit.id).last_seen_at
        for clock in (store_clock, own_clock):
            clock.forward(HOUR)
        for library in (off, right):
            await library.synchronise()
            assert [hit.id] == _ids(library)


async def test_a_clock_that_is_set_while_redis_is_away(server: Server) -> None:
    """What a worker saw meanwhile is no later than now when it tells it."""
    store_clock, own_clock = Clock(), Clock()
    async with _worker(server, store_clock, own_clock) as library:
        kept = await library.register(trigger())
        own_clock.forward(400 * DAY)
        await library.hit(kept.id, sample(1))
        await library.refine(kept.id, trigger(x=9))
        await library.exchange()
        await library.synchronise()
        await library.exchange()
        assert store_clock() == library.entry(kept.id).last_seen_at
    with server.client() as client:
        assert encode_time(store_clock()) == int(client.hget(KEYS.seen, kept.id) or 0)


async def test_the_servers_own_clock_is_the_one_that_counts(server: Server) -> None:
    """Without a clock told, times are those of Redis' TIME, whatever this machine says."""
    wrong = Clock()  # it stands still, some day in the past or the future
    async with open_library(server.url, "signs", clock=wrong) as (library, _):
        with server.client() as client:
            before = client.time()
            kept = await library.register(trigger())
            after = client.time()
        seconds = kept.last_seen_at.timestamp()
        assert before[0] - 1 <= seconds <= after[0] + 1


async def test_a_worker_that_was_cut_off_and_saw_it_keeps_it(pair: Pair, clock: Clock) -> None:
    """A hit that Redis couldn't be told of in time brings the trigger back, with all its hits."""
    one, cut_off = pair
    kept = await one.register(trigger())
    await one.hit(kept.id, sample(1))
    await one.exchange()
    await cut_off.synchronise()
    clock.forward(DAY)
    await cut_off.hit(kept.id, sample(2))
    await one.synchronise()
    assert [] == _ids(one)
    for _ in range(2):
        await cut_off.synchronise()
        await cut_off.exchange()
        await one.synchronise()
        await one.exchange()
    assert [2, 2] == [library.entry(kept.id).hits for library in (one, cut_off)]
    clock.forward(DAY)
    await one.synchronise()
    await cut_off.synchronise()
    assert ([], []) == (_ids(one), _ids(cut_off))


async def test_a_store_that_lost_everything_is_told_what_has_not_expired(
    pair: Pair, clock: Clock, server: Server
) -> None:
    """Losing the memory of what expired brings nothing back, and costs nothing that is known."""
    one, other = pair
    await one.register(trigger(1))
    await other.synchronise()
    clock.forward(DAY)
    kept = await one.register(trigger(2))
    await other.synchronise()
    with server.client() as client:
        client.flushall()
    for library in (one, other):
        await library.synchronise()
        assert [kept.id] == _ids(library)
    assert 1 == _sizes(server)[0]


async def test_what_expired_long_ago_is_forgotten(pair: Pair, clock: Clock, server: Server) -> None:
    """Redis remembers what has expired for a while, not for ever."""
    one, _ = pair
    for days in (0, 1, 90):
        clock.forward(days * DAY)
        await one.register(trigger(days))
        await one.synchronise()
    clock.forward(DAY)
    await one.synchronise()
    with server.client() as client:
        assert 2 == client.hlen(KEYS.expired)


def _ids(library: RedisTriggerLibrary) -> list[str]:
    return [entry.id for entry in library.entries()]


def _sizes(server: Server) -> list[int]:
    with server.client() as client:
        names = (KEYS.triggers, KEYS.hits, KEYS.seen, KEYS.samples)
        return [int(client.hlen(name)) for name in names]


def _changes(server: Server) -> int:
    with server.client() as client:
        return int(bytes(client.get(KEYS.version)).split(b"-")[0])
