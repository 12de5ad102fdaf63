"""What makes room in a full library, and what never does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from app.library.memory import MemoryTriggerLibrary
from app.library.records.contents import Refusal, Written
from app.library.records.encoding import DISMISSED, encode_entry
from app.library.records.names import Keys
from app.library.rules.capacity import expendable
from app.library.server.addresses import connected
from app.library.shared.store import Store
from app.library.triggers import RedisTriggerLibrary
from tests.library.findings import NOW, entry, sample, trigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from app.ports import Entry
    from tests.library.servers import Server

MINUTE = timedelta(minutes=1)


def seen(name: str, minutes: int, hits: int = 0, *, dismissed: bool = False) -> Entry:
    """Return an entry that was last seen so many *minutes* after the others' beginning."""
    known = entry(name, minutes, hits, dismissed=dismissed)
    return replace(known, last_seen_at=NOW + minutes * MINUTE)


KNOWN = (
    seen("dismissed", 0, hits=9, dismissed=True),
    seen("confirmed", 1, hits=2),
    seen("later", 3, hits=1),
    seen("earlier", 2, hits=1),
)
GO = ["t-earlier", "t-later", "t-dismissed"]


@asynccontextmanager
async def storing(server: Server, capacity: int) -> AsyncIterator[Store]:
    """Yield a store for so many triggers, with those that are KNOWN in it."""
    async with connected(server.url) as client:
        store = Store(client, Keys("signs"), capacity=capacity)
        for known in KNOWN:
            assert isinstance(await store.put(known, await store.version()), Written)
        yield store


def test_the_order_in_which_they_go() -> None:
    """Unconfirmed ones go before dismissed ones, the least recently seen first; no others go."""
    assert GO == [spare.id for spare in expendable(KNOWN)]


async def test_redis_gives_up_in_that_order(server: Server) -> None:
    """Each new trigger takes another's place; once only confirmed ones are left it isn't kept."""
    async with storing(server, len(KNOWN)) as store:
        gone: list[str] = []
        for i in range(len(GO)):
            new = seen(f"new{i}", 10 + i, hits=2)
            written = await store.put(new, await store.version())
            assert isinstance(written, Written)
            gone += written.evicted
        assert GO == gone
        before = await store.version()
        assert Refusal.FULL is await store.put(seen("late", 99), before)
        assert before == await store.version()
        changed = replace(KNOWN[1], dismissed=True)
        assert isinstance(await store.put(changed, before), Written)


async def test_what_the_writer_knows_to_be_confirmed_is_spared(server: Server) -> None:
    """Hits that Redis hasn't been told of yet count for whoever has counted them."""
    async with storing(server, len(KNOWN)) as store:
        written = await store.put(seen("new", 10), await store.version(), ["t-earlier"])
        assert Written(await store.version(), frozenset({"t-later"})) == written


async def test_one_that_has_no_room_is_still_answered_with(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """A finder without room gets an entry to flag its image by; it is counted, and logged once."""
    unkept = _metric("neo_triggers_unkept_total")
    async with connected(server.url) as client:
        library = RedisTriggerLibrary(Store(client, Keys("signs"), capacity=1))
        await library.synchronise()
        kept = await library.register(trigger(1))
        for value in (1, 2):
            await library.hit(kept.id, sample(value))
        for target in (2, 3):
            assert target == (await library.register(trigger(target))).trigger.target
        assert [kept.id] == [known.id for known in library.entries()]
        assert library.problem() is None
    assert 2 == _metric("neo_triggers_unkept_total") - unkept
    assert 1 == caplog.text.count("the trigger library is full")


async def test_a_process_that_is_alone_does_the_same() -> None:
    """Without a store a confirmed trigger makes no room either."""
    library = MemoryTriggerLibrary(capacity=2)
    kept, other = [await library.register(trigger(target)) for target in (1, 2)]
    for value in (1, 2):
        await library.hit(kept.id, sample(value))
    new = await library.register(trigger(3))
    assert {kept.id, new.id} == {known.id for known in library.entries()}
    assert () == await library.hit(other.id, sample(1))


def test_only_a_dismissed_ones_bytes_say_so() -> None:
    """What the script looks for in an entry's bytes is there if it is dismissed, else it isn't."""
    for dismissed in (True, False):
        assert dismissed is (
            DISMISSED in encode_entry(entry('"dismissed":true', dismissed=dismissed))
        )


def _metric(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0
