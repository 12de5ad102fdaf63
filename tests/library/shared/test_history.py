"""The minutes of several workers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from app.history import History, Minute
from app.library.records.names import Keys
from app.library.records.reading import Unreadable
from app.library.shared.history import LIVES_MS, SharedHistory
from app.ports import LibraryError
from tests.library.clocks import Seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.library.servers import Server

KEYS = Keys("signs")


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Redis]:
    """Yield a client of the server."""
    async with Redis.from_url(server.url, socket_timeout=1) as client:
        yield client


def worker(client: Redis, clock: Seconds) -> tuple[History, SharedHistory]:
    """Return a worker's history, shared through *client*."""
    history = History(clock)
    return history, SharedHistory(client, KEYS, history, Unreadable())


async def test_workers_see_what_all_have_answered(client: Redis) -> None:
    """Each sees the sum, its own images at once and once; writing again adds nothing."""
    clock = Seconds(600.0)
    (one, shared), (other, others) = worker(client, clock), worker(client, clock)
    one.add(flagged=True, probes=300, seconds=0.5)
    await shared.tell()
    await shared.tell()
    one.add(flagged=False, probes=1, seconds=0.25)
    await shared.tell()
    other.add(flagged=False, probes=1, seconds=1.0)
    expected = {10: Minute(3, 1, 302, 1_750_000, 1_000_000)}
    assert expected == await other.all()
    await others.tell()
    assert expected == await one.all()


async def test_redis_drops_what_is_old(client: Redis) -> None:
    """A minute lives for an hour and a little, however many workers write it."""
    history, shared = worker(client, Seconds(600.0))
    history.add(flagged=False, probes=1, seconds=0.1)
    await shared.tell()
    assert 0 < await client.pttl(KEYS.minute(10)) <= LIVES_MS


async def test_what_cannot_be_read_is_left_out(client: Redis) -> None:
    """A row that isn't five whole numbers counts nothing; the others count."""
    history, _ = worker(client, Seconds(600.0))
    await client.hset(KEYS.minute(10), mapping={"a": "1 0 9 5 5", "b": "1 0 -9 5 5", "c": "1 2"})
    assert {10: Minute(1, 0, 9, 5, 5)} == await history.all()


async def test_redis_that_is_away_takes_nothing_from_a_worker(server: Server) -> None:
    """What couldn't be told is told when Redis is back."""
    clock = Seconds(600.0)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Redis.from_url(server.url, socket_timeout=0.2))
        history, shared = worker(client, clock)
        history.add(flagged=False, probes=1, seconds=0.1)
        server.pause()
        with pytest.raises(LibraryError):
            await shared.tell()
        with pytest.raises(LibraryError):
            await history.all()
        server.resume()
        await shared.tell()
        reader, _ = worker(client, clock)
        assert {10: Minute(1, 0, 1, 100_000, 100_000)} == await reader.all()
