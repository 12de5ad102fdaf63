"""The events of all workers, through a real Redis: heard once, by all, and in nobody's way."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.events import Event, Events, Kind
from app.events.fleet import OFTEN_KEPT, RARE_KEPT, Fleet
from app.library.lifecycle import open_library
from app.library.records.events import decode_event, encode_event
from app.library.records.names import Keys
from tests.library.findings import trigger
from tests.library.limited import let_in, refused
from tests.library.servers import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.events.fleet import Stream, Told
    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server

KEYS = Keys("signs")
FOUND = Kind.TRIGGER_DISCOVERED


@dataclass(frozen=True, eq=False)
class Worker:
    """A worker's events, and what it has heard of all."""

    events: Events
    fleet: Fleet
    heard: list[Told]
    library: RedisTriggerLibrary

    @property
    def stream(self) -> Stream:
        """Where the events of all stand."""
        assert self.fleet.stream is not None
        return self.fleet.stream

    def triggers(self, kind: Kind) -> list[object]:
        """Return the triggers of the events of this *kind* that it has heard of."""
        return [told.event.facts["trigger"] for told in self.heard if told.event.kind is kind]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Worker]:
    """Open a worker that hears the events of all."""
    events = Events()
    heard: list[Told] = []
    fleet = Fleet(events)
    fleet.hear(heard.append, often=True)
    async with open_library(url, "signs", events=events, fleet=fleet) as (library, _):
        yield Worker(events, fleet, heard, library)


@pytest.fixture
async def workers(server: Server) -> AsyncIterator[list[Worker]]:
    """Yield two workers that wait for what is new."""
    async with AsyncExitStack() as stack:
        both = [await stack.enter_async_context(opened(server.url)) for _ in "ab"]
        for worker in both:
            worker.events.tell(Kind.TRIGGER_SEEN, trigger="first")
        # What comes often is heard from when a worker has begun to wait for it.
        for worker in both:
            await eventually(lambda worker=worker: _waits(worker))  # type: ignore[misc]
        yield both


async def test_what_one_tells_all_hear(workers: list[Worker]) -> None:
    """Each event with its facts, the teller's own too, once and in its order."""
    one, other = workers
    one.events.tell(Kind.TRIGGER_DISCOVERED, trigger="t-1", target=2, carry_rate=0.5, kept=True)
    one.events.tell(Kind.TRIGGER_SEEN, trigger="t-1", images=1)
    one.events.tell(Kind.TRIGGER_DISMISSED, trigger="t-1", by=None)
    for worker in workers:
        await eventually(lambda worker=worker: "t-1" in worker.triggers(Kind.TRIGGER_SEEN))  # type: ignore[misc]
        await eventually(lambda worker=worker: "t-1" in worker.triggers(Kind.TRIGGER_DISMISSED))  # type: ignore[misc]
        assert [
            (
                Kind.TRIGGER_DISCOVERED,
                {"trigger": "t-1", "target": 2, "carry_rate": 0.5, "kept": True},
            ),
            (Kind.TRIGGER_DISMISSED, {"trigger": "t-1", "by": None}),
        ] == [(told.event.kind, told.event.facts) for told in worker.heard if told.place]
    places = [told.place for told in one.heard if told.place]
    assert [Kind.TRIGGER_DISMISSED] == [t.event.kind for t in await other.stream.since(places[0])]
    assert places[1] == await one.stream.newest()
    assert [] == await one.stream.since(places[1])


async def test_two_images_on_two_workers_confirm_a_trigger_once(workers: list[Worker]) -> None:
    """Whichever of them tells it, or both do: to who hears it is the same event."""
    one, other = workers
    kept = await one.library.register(trigger(1))
    await eventually(lambda: bool(other.library.entries()))
    for worker in workers:
        await worker.library.hit(kept.id, trigger(1).patch)
    await eventually(lambda: kept.id in one.triggers(Kind.TRIGGER_CONFIRMED))
    await eventually(lambda: one.library.entry(kept.id).hits == 2)
    for worker in workers:
        worker.events.tell(Kind.TRIGGER_DISMISSED, trigger="then")
        await eventually(lambda: one.triggers(Kind.TRIGGER_DISMISSED)[-1:] == ["then"])
    await eventually(lambda: len(one.triggers(Kind.TRIGGER_DISMISSED)) == 2)
    assert [kept.id] == one.triggers(Kind.TRIGGER_CONFIRMED)


async def test_flagged_images_push_out_nothing_that_matters_more(server: Server) -> None:
    """However many there are, the streams stay small and the discovery is still there."""
    async with opened(server.url) as worker:
        worker.events.tell(Kind.TRIGGER_DISCOVERED, trigger="t-1")
        for _ in range(RARE_KEPT + OFTEN_KEPT):
            worker.events.tell(Kind.IMAGE_FLAGGED, trigger="t-1")
        await eventually(lambda: not worker.fleet.often and not worker.fleet.rare)
        assert ["t-1"] == [t.event.facts["trigger"] for t in await worker.stream.since("0-0")]
        with server.client() as owner:
            assert (1, OFTEN_KEPT) == (owner.xlen(KEYS.events), owner.xlen(KEYS.sightings))


async def test_while_the_store_is_away_events_wait(server: Server, workers: list[Worker]) -> None:
    """They are told when it is back, with their own times, the newest if there are too many."""
    one, other = workers
    server.kill()
    before = datetime.now(UTC)
    for number in range(RARE_KEPT + 1):
        one.events.tell(Kind.TRIGGER_DISCOVERED, trigger=f"t-{number}")
    after = datetime.now(UTC)
    assert RARE_KEPT == len(one.fleet.rare)
    server.start()
    await eventually(lambda: f"t-{RARE_KEPT}" in other.triggers(Kind.TRIGGER_DISCOVERED), 20)
    told = set(other.triggers(Kind.TRIGGER_DISCOVERED))
    assert {f"t-{number}" for number in range(1, RARE_KEPT + 1)} == told
    late = [t.event.at for t in other.heard if t.event.kind is Kind.TRIGGER_DISCOVERED]
    assert before <= min(late) <= max(late) <= after


async def test_what_cant_be_read_is_left_out(server: Server, workers: list[Worker]) -> None:
    """Damage, an event of a newer release, a key of another type: what is right is heard."""
    one, other = workers
    with server.client() as owner:
        newer = encode_event(Event(Kind.WORKER_READY, datetime.now(UTC), {}, "e-1"))
        for item in (b"{", b"[]", newer.replace(b"worker.ready", b"worker.dreaming")):
            owner.xadd(KEYS.events, {"event": item})
        owner.xadd(KEYS.events, {"other": b""})
        one.events.tell(Kind.TRIGGER_DISCOVERED, trigger="t-1")
        await eventually(lambda: ["t-1"] == other.triggers(Kind.TRIGGER_DISCOVERED))
        owner.set(KEYS.sent_until, "soon")
        assert None is await one.stream.sent_until()
        owner.delete(KEYS.events)
        owner.set(KEYS.events, "another type")
        one.events.tell(Kind.TRIGGER_DISCOVERED, trigger="t-2")
        await eventually(lambda: owner.type(KEYS.events) == b"stream")
    assert ["t-2"] == [told.event.facts["trigger"] for told in await other.stream.since("0-0")]


async def test_a_stream_that_takes_no_more_begins_anew(
    server: Server, workers: list[Worker]
) -> None:
    """Where somebody has added the last event that there can be, the next ones are heard."""
    one, other = workers
    with server.client() as owner:
        for key, kind in ((KEYS.events, FOUND), (KEYS.sightings, Kind.TRIGGER_SEEN)):
            last = Event(kind, datetime.now(UTC), {"trigger": "last"}, "e-last")
            owner.xadd(key, {"event": encode_event(last)}, id=f"{2**64 - 1}-{2**64 - 1}")
            await eventually(lambda kind=kind: "last" in other.triggers(kind))  # type: ignore[misc]

            def heard(kind: Kind = kind) -> bool:
                one.events.tell(kind, trigger="t-1")
                return "t-1" in other.triggers(kind)

            await eventually(heard)


async def test_a_full_store_harms_nobody(server: Server, workers: list[Worker]) -> None:
    """What can't be written waits; the library is read as ever."""
    one, other = workers
    with server.client() as owner:
        owner.config_set("maxmemory", 1)
        one.events.tell(Kind.TRIGGER_DISCOVERED, trigger="t-1")
        await eventually(lambda: one.library.problem() is not None)
        assert 1 <= len(one.fleet.rare)
        owner.config_set("maxmemory", 0)
    await eventually(lambda: "t-1" in other.triggers(Kind.TRIGGER_DISCOVERED))


async def test_a_limited_user_may_do_all_of_it(server: Server) -> None:
    """The rights in the documents are enough."""
    with server.client() as owner:
        let_in(owner)
        url = server.url.replace("unix://", "unix://neo:secret@")
        async with opened(url) as worker:
            worker.events.tell(Kind.TRIGGER_DISCOVERED, trigger="t-1")
            await eventually(lambda: ["t-1"] == worker.triggers(Kind.TRIGGER_DISCOVERED))
            async with worker.stream.sending() as held:
                assert held
                await worker.stream.keep_sent_until(await worker.stream.newest())
            assert await worker.stream.newest() == await worker.stream.sent_until()
        assert "" == refused(owner)


def test_an_event_is_read_as_it_was_written() -> None:
    """With all kinds of facts, its time to the microsecond, and whether it was sent."""
    at = datetime(2026, 11, 28, 12, 0, 0, 1, tzinfo=UTC)
    event = Event(Kind.WORKER_READY, at, {"a": "ä", "b": 1, "c": 0.1, "d": True, "e": None}, "e-1")
    for sent in (True, False):
        assert (event, sent) == decode_event(encode_event(event, sent=sent))
    naive = Event(Kind.WORKER_READY, datetime(2026, 11, 28), {}, "e-1")  # noqa: DTZ001
    assert None is decode_event(encode_event(naive))


def _waits(worker: Worker) -> bool:
    worker.events.tell(Kind.TRIGGER_SEEN, trigger="first")
    return "first" in worker.triggers(Kind.TRIGGER_SEEN)
