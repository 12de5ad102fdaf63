"""The network between the workers and Redis cuts, delays, half-closes and swallows."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from redis.exceptions import ConnectionError as RedisConnectionError

from app.library.lifecycle import open_library
from app.library.server.addresses import connected
from app.library.server.connection import ANSWER_SECONDS, CONNECTIONS
from app.library.server.embedded import server_program
from app.ports import Tally
from tests.faults.proxy import through
from tests.library.findings import sample, trigger
from tests.library.servers import eventually, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from app.library.triggers import RedisTriggerLibrary
    from tests.faults.proxy import Proxy
    from tests.library.servers import Server

Pair = tuple["RedisTriggerLibrary", "RedisTriggerLibrary"]


def _cut(proxy: Proxy) -> None:
    proxy.refusing = True
    proxy.cut()


def _half_close(proxy: Proxy) -> None:
    proxy.refusing = True
    proxy.half_close()


def _swallow(proxy: Proxy) -> None:
    proxy.black_hole = True


def _delay(proxy: Proxy) -> None:
    proxy.delay_s = 10 * ANSWER_SECONDS


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a Valkey that keeps its data."""
    with running(server_program()) as server:
        yield server


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    """Yield the network to it."""
    async with through(Path(server.url.removeprefix("unix://"))) as proxy:
        yield proxy


@pytest.fixture
async def pair(server: Server, proxy: Proxy) -> AsyncIterator[Pair]:
    """Yield the libraries of a worker behind the proxy and of one beside it."""
    async with AsyncExitStack() as stack:
        urls = (f"redis://127.0.0.1:{proxy.port}", server.url)
        one, other = [await stack.enter_async_context(open_library(u, "signs")) for u in urls]
        yield one[0], other[0]


@pytest.mark.parametrize("fault", [_cut, _half_close, _swallow, _delay])
async def test_a_worker_that_is_cut_off_goes_on(
    pair: Pair, proxy: Proxy, fault: Callable[[Proxy], None]
) -> None:
    """Whatever the network does to it, a worker protects, learns, says so, and catches up."""
    cut_off, other = pair
    before = await cut_off.register(trigger(1))
    await eventually(lambda: bool(other.entries()))
    lost = _metric("neo_store_lost_total")

    fault(proxy)
    await eventually(lambda: cut_off.problem() is not None)
    assert 1 == _metric("neo_store_lost_total") - lost
    own = await cut_off.register(trigger(2))
    await cut_off.hit(before.id, sample(1))
    cut_off.count(screened=2, flagged=1)
    others = await other.register(trigger(3))
    assert [own.id, before.id] == [entry.id for entry in cut_off.entries()]
    assert other.problem() is None

    proxy.behave()
    everything = {before.id, own.id, others.id}
    for library in pair:
        await eventually(lambda: everything == {e.id for e in library.entries()})  # noqa: B023
        await eventually(lambda: library.entry(before.id).hits == 1)  # noqa: B023
        await eventually(lambda: library.tally() == Tally(2, 1))  # noqa: B023
    assert cut_off.problem() is None
    assert 1 == _metric("neo_store_lost_total") - lost
    assert 3 == _metric("neo_triggers")


async def test_one_cut_is_no_outage(pair: Pair, proxy: Proxy) -> None:
    """Connections that break once are made again within the same call: nothing was away."""
    one, other = pair
    await one.register(trigger(1))
    lost = _metric("neo_store_lost_total")
    for target in range(2, 22):
        proxy.cut()
        kept = await one.register(trigger(target))
        await eventually(lambda: kept.id in {entry.id for entry in other.entries()})  # noqa: B023
    assert one.problem() is None
    assert 0 == _metric("neo_store_lost_total") - lost


async def test_one_slow_answer_is_no_outage(proxy: Proxy) -> None:
    """A call that isn't answered in time is made once more, on a connection of its own."""
    async with connected(f"redis://127.0.0.1:{proxy.port}") as client:
        await client.set("neo:one", "1")
        proxy.stall()
        assert b"1" == await client.get("neo:one")


async def test_cancelled_calls_cost_no_connection(proxy: Proxy) -> None:
    """Callers who go away in mid-call take no connection with them, and no answer astray."""
    proxy.delay_s = 0.01
    draw = random.Random(7)  # noqa: S311  # which of them are cancelled, and when
    async with connected(f"redis://127.0.0.1:{proxy.port}", 5.0) as client:
        names = [f"neo:{number}" for number in range(40)]
        for name in names:
            await client.set(name, name)

        async def ask(name: str) -> None:
            assert name.encode() == await client.get(name)

        for _ in range(5):
            asking = [asyncio.create_task(ask(name)) for name in names]
            for task in asking:
                if draw.random() < 0.7:
                    await asyncio.sleep(draw.random() * 0.01)
                    task.cancel()
            for done in await asyncio.gather(*asking, return_exceptions=True):
                # Forty wait for four connections, and on a busy machine one for too long.
                in_vain = (asyncio.CancelledError, RedisConnectionError)
                assert done is None or isinstance(done, in_vain)

        proxy.behave()
        assert not client.connection_pool._in_use_connections  # noqa: SLF001  # there is no public view of it
        for first in range(0, len(names), CONNECTIONS):  # as many as there are: nobody waits
            await asyncio.gather(*(ask(name) for name in names[first : first + CONNECTIONS]))
        assert proxy.connections <= CONNECTIONS


async def test_a_cancelled_registration_loses_nothing(pair: Pair, proxy: Proxy) -> None:
    """A caller that goes away while its discovery is written takes no discovery along."""
    one, other = pair
    proxy.delay_s = ANSWER_SECONDS / 4
    for target in range(10):
        task = asyncio.create_task(one.register(trigger(target)))
        await asyncio.sleep(target / 500)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await eventually(lambda: len(other.entries()) == 10)
    await eventually(lambda: one.problem() is None)


def _metric(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0
