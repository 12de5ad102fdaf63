"""A Redis that is full, or a read-only replica: what it has is read, and that is said."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.detection.reference_set.references import Calibration
from app.events import Events
from app.events.log import log
from app.library.lifecycle import open_library
from app.library.server.embedded import server_program
from app.ports import LibraryError
from tests.library.findings import sample, trigger
from tests.library.servers import eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.library.servers import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a Valkey that keeps its data."""
    with running(server_program()) as server:
        yield server


@contextmanager
def full(server: Server) -> Iterator[str]:
    """Let it have no room within the block; yield what a worker says of that."""
    with server.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        yield "Redis is full"
        client.config_set("maxmemory", 0)


@contextmanager
def replica(server: Server) -> Iterator[str]:
    """Let it be a replica of one that is away, within the block."""
    with server.client() as client:
        client.replicaof("127.0.0.1", 1)
        yield "Redis is a read-only replica"
        client.replicaof("NO", "ONE")


@pytest.mark.parametrize("unwritable", [full, replica])
async def test_who_starts_knows_all_that_can_be_read(
    server: Server, unwritable: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker starts with the secret, the calibration, rates and triggers; it says what is wrong.

    What it finds it keeps, and tells the others when there is room.
    """
    async with open_library(server.url, "signs") as (library, calibrations):
        kept = await library.register(trigger(1))
        seed = await calibrations.seed()
        await calibrations.calibration("refs", _measure)
        await calibrations.keep_placebo_rates("refs", {"3x3": 0.25})
    async with AsyncExitStack() as stack:
        events = Events()
        events.hear(log)
        with unwritable(server) as said, caplog.at_level(logging.WARNING):
            library, calibrations = await stack.enter_async_context(
                open_library(server.url, "signs", events=events)
            )
            await library.check()
            assert [kept.id] == [entry.id for entry in library.entries()]
            assert seed == await calibrations.seed()
            assert [7] == (await calibrations.calibration("refs", _fail)).labels.tolist()
            assert {"3x3": 0.25} == await calibrations.placebo_rates("refs")
            await eventually(lambda: said in str(library.problem()))
            found = await library.register(trigger(2))
            await library.hit(kept.id, sample(1))
            with pytest.raises(LibraryError, match=said):
                await library.dismiss(kept.id)
            assert {kept.id, found.id} == {entry.id for entry in library.entries()}
            await eventually(lambda: any(said in line for line in caplog.messages))
        logged = [line for line in caplog.messages if said in line]
        assert 1 <= len(logged) <= 3  # of the triggers, of the counts; not again and again
        await eventually(lambda: library.problem() is None)
        other, _ = await stack.enter_async_context(open_library(server.url, "signs"))
        assert {kept.id, found.id} == {entry.id for entry in other.entries()}
        await eventually(lambda: other.entry(kept.id).hits == 1)


async def test_a_full_one_that_is_empty_has_no_secret_to_read(server: Server) -> None:
    """Where nothing can be read and nothing written no worker is ready, and it says why."""
    with full(server) as said:
        async with open_library(server.url, "signs") as (library, calibrations):
            with pytest.raises(LibraryError, match=said):
                await calibrations.seed()
            await eventually(lambda: said in str(library.problem()))


async def _measure() -> Calibration:
    return Calibration(np.array([7]), np.zeros((1, 1), np.int64))


async def _fail() -> Calibration:
    pytest.fail("it had been measured")
