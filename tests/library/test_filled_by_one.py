"""A library that one caller's images have filled still takes what another one's reveal."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from app.library.records.names import Keys
from app.library.server.addresses import connected
from app.library.server.embedded import server_program
from app.library.shared.store import Store
from app.library.triggers import RedisTriggerLibrary
from tests.library.clocks import Clock
from tests.library.findings import sample, trigger
from tests.library.machines import SECOND
from tests.library.servers import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.library.servers import Server

CAPACITY = 5
NEW = 99


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a Valkey."""
    with running(server_program()) as server:
        yield server


@asynccontextmanager
async def worker(server: Server, clock: Clock) -> AsyncIterator[RedisTriggerLibrary]:
    """Yield the library of a worker that does nothing in the background."""
    async with connected(server.url) as client:
        store = Store(client, Keys("signs"), capacity=CAPACITY, clock=clock)
        library = RedisTriggerLibrary(store, clock=clock)
        await library.synchronise()
        yield library


async def fill(library: RedisTriggerLibrary, clock: Clock, callers: str) -> list[str]:
    """Let each of *callers* find a trigger, and see it in three images; return their ids."""
    ids = []
    for target, caller in enumerate(callers):
        kept = await library.register(trigger(target), caller)
        for value in range(3):
            clock.forward(SECOND)
            await library.hit(kept.id, sample(value), caller)
        await library.exchange()
        ids.append(kept.id)
    return ids


@pytest.mark.parametrize(
    ("callers", "finder", "gone"),
    [
        ("xxxxx", "y", 0),  # the one of the flood that was seen longest ago
        ("zxxxx", "y", 1),  # and none that another caller's images carried
        ("zxxxx", "z", 1),
        ("xxxxx", "x", None),  # who has filled it displaces nothing
        ("zzxxy", "y", None),  # nobody has filled it
        ("xxxxx", "", None),  # callers can't be told apart
    ],
)
async def test_what_one_caller_has_filled_gives_way(
    server: Server, callers: str, finder: str, gone: int | None
) -> None:
    """His triggers make room for another caller's, on all workers; nobody writes them back."""
    clock = Clock()
    async with worker(server, clock) as one, worker(server, clock) as other:
        before = await fill(one, clock, callers)
        await other.synchronise()
        found = await other.register(trigger(NEW), finder)
        await other.hit(found.id, sample(1), finder)
        kept = {*before} if gone is None else {*before, found.id} - {before[gone]}
        for library in (other, one, other, one):
            await library.synchronise()
            await library.exchange()
        assert [kept, kept] == [{e.id for e in library.entries()} for library in (one, other)]


@pytest.mark.parametrize("finder", ["x", "y"])
async def test_a_flood_displaces_no_trigger_that_one_image_has_revealed(
    server: Server, finder: str
) -> None:
    """Not by its own further ones, nor by another caller's: then the flood's own give way."""
    clock = Clock()
    async with worker(server, clock) as library:
        fresh = await library.register(trigger(NEW), "z")
        before = await fill(library, clock, "xxxx")
        found = await library.register(trigger(NEW + 1), finder)
        kept = {entry.id for entry in library.entries()}
        others = {*before} if finder == "x" else {*before[1:], found.id}
        assert {fresh.id, *others} == kept


async def test_another_callers_image_takes_a_trigger_out_of_the_flood(
    server: Server,
) -> None:
    """What a second caller's image has carried, too, gives way to nobody."""
    clock = Clock()
    async with worker(server, clock) as library:
        before = await fill(library, clock, "xxxxx")
        for name in before[:2]:
            await library.hit(name, sample(1), "y")
        await library.exchange()
        found = await library.register(trigger(NEW), "y")
        kept = {entry.id for entry in library.entries()}
        assert {*before, found.id} - {before[2]} == kept


async def test_without_keys_a_full_library_keeps_what_it_has(server: Server) -> None:
    """All callers count as one: what was confirmed stays, what is new has to be found again."""
    clock = Clock()
    async with worker(server, clock) as library:
        for target in range(CAPACITY):
            kept = await library.register(trigger(target))
            for _ in range(2):
                await library.hit(kept.id, sample(1))
        await library.exchange()
        found = await library.register(trigger(NEW), "x")
        assert found.id not in {entry.id for entry in library.entries()}
