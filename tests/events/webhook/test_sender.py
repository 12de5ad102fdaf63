"""Events of all workers at a real receiver, through a real store, whatever goes wrong."""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.events import Event, Events, Kind
from app.events.fleet import RARE_KEPT, Fleet
from app.events.webhook import patience, sender
from app.events.webhook.courier import Courier
from app.events.webhook.messages import CloudEvents
from app.events.webhook.sender import Sender
from app.events.webhook.signature import signature
from app.library.lifecycle import open_library
from app.library.records.events import encode_event
from app.library.server.embedded import server_program
from app.upstream.http.posting import Poster
from tests.events.webhook.receiver import Receiver, answer
from tests.library.servers import eventually, running, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.library.servers import Server

KEY = b"k" * 24
TIMEOUT_S = 1.0
NONE = timedelta()
FOUND = Kind.TRIGGER_DISCOVERED

SEND_FOR_EVER = """
import asyncio, sys
from app.events import Events
from app.events.fleet import Fleet
from app.events.webhook.courier import Courier
from app.events.webhook.messages import CloudEvents
from app.events.webhook.sender import Sender
from app.library.lifecycle import open_library
from app.library.shared import leases
from app.upstream.http.posting import Poster

leases.LEASE_SECONDS, leases.RENEWAL_SECONDS = 0.8, 0.2

async def main(store, url):
    fleet = Fleet(Events())
    courier = Courier(CloudEvents("signs"), Poster(url))
    async with open_library(store, "signs", fleet=fleet), Sender(fleet, courier).running():
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def store() -> Iterator[Server]:
    """Yield a Valkey."""
    with running(server_program()) as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Yield a receiver that is there."""
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less between two attempts, and for a turn."""
    monkeypatch.setattr(patience, "FIRST_S", 0.02)
    monkeypatch.setattr(sender, "TURN_S", 0.05)


@asynccontextmanager
async def sending(
    store: Server, receiver: Receiver, behind: timedelta = NONE
) -> AsyncIterator[Events]:
    """Yield the events of a worker that sends, once it or another one has its turn.

    Its machine's clock is *behind*.
    """
    events = Events(lambda: datetime.now(UTC) - behind)
    fleet = Fleet(events)
    courier = Courier(CloudEvents("signs"), Poster(receiver.url, TIMEOUT_S), KEY)
    async with open_library(store.url, "signs", events=events, fleet=fleet):
        assert fleet.stream is not None
        async with Sender(fleet, courier).running():
            with store.client() as owner:
                await eventually(lambda: owner.exists("neo:{signs}:v1:sent-until"))
            yield events


async def test_the_events_of_all_workers_are_sent_by_one(store: Server, receiver: Receiver) -> None:
    """Each once, signed; what nobody is to be woken by isn't, nor what each worker notices."""
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(sending(store, receiver)) for _ in "ab"]
        one.tell(Kind.WORKER_READY)
        one.tell(Kind.IMAGE_FLAGGED, trigger="t-1")
        one.tell(FOUND, trigger="t-1")
        await eventually(lambda: len(receiver.posts) == 1)
        for worker in (one, other):
            worker.tell(Kind.TRIGGER_CONFIRMED, trigger="t-1")
            worker.tell(Kind.BREAKER_OPENED, reason="away")
        other.tell(Kind.TRIGGER_DISMISSED, trigger="t-1", by="security")
        await eventually(lambda: len(receiver.posts) >= 4)
    sent = [post.fields["type"].removeprefix("neo-gateway.") for post in receiver.posts]
    assert "trigger.discovered" == sent[0]
    rest = ["breaker.opened", "trigger.confirmed", "trigger.dismissed"]
    assert rest == sorted(sent[1:])
    for post in receiver.posts:
        post_id, at = post.headers["webhook-id"], int(post.headers["webhook-timestamp"])
        assert post_id == post.fields["id"]
        assert signature(KEY, post_id, at, post.body) == post.headers["webhook-signature"]
        assert "application/cloudevents+json" == post.headers["content-type"]


async def test_a_receiver_that_fails_and_hangs_gets_it_in_the_end(
    store: Server, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The same event under one id again and again, then the next one; its address stays ours."""
    receiver.replies = [answer(500), None, answer(429, "Retry-After: 0"), b"", answer(200)]
    async with sending(store, receiver) as events:
        events.tell(FOUND, trigger="t-1")
        events.tell(FOUND, trigger="t-2")
        await eventually(lambda: len(receiver.posts) == 6)
    assert ["t-1"] * 5 + ["t-2"] == [post.fields["subject"] for post in receiver.posts]
    assert 1 == len(set(receiver.ids[:5]))
    assert "it answered 500" in caplog.text
    assert f"no answer within {TIMEOUT_S:g} s" in caplog.text
    assert "s3cret" not in caplog.text


async def test_what_happens_while_it_is_away_is_sent_when_it_is_back(
    store: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its order, by whoever sends then."""
    monkeypatch.setattr(patience, "LONGEST_S", 0.1)
    await receiver.stop()
    async with sending(store, receiver) as events:
        events.tell(FOUND, trigger="t-1")
        await asyncio.to_thread(_written, store, 1)
    async with sending(store, receiver) as events:
        events.tell(FOUND, trigger="t-2")
        await asyncio.to_thread(_written, store, 2)
        await receiver.start()
        await eventually(lambda: len(receiver.posts) == 2)
    assert ["t-1", "t-2"] == [post.fields["subject"] for post in receiver.posts]


async def test_what_is_refused_is_given_up_and_holds_up_nothing(
    store: Server, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """After five attempts."""
    receiver.replies = [answer(400)] * 5
    async with sending(store, receiver) as events:
        events.tell(FOUND, trigger="t-1")
        events.tell(FOUND, trigger="t-2")
        await eventually(lambda: len(receiver.posts) == 6)
    assert "t-2" == receiver.posts[5].fields["subject"]
    assert re.search(r"NEO_WEBHOOK_URL: event e-\w+ is given up", caplog.text)


@pytest.mark.parametrize("days", [31, -31])
async def test_a_wrong_clock_gives_no_event_up(
    store: Server, receiver: Receiver, days: int
) -> None:
    """An event is as old as the store has had it, whatever its teller's clock says."""
    receiver.replies = [answer(500)]
    async with sending(store, receiver, timedelta(days=days)) as events:
        events.tell(FOUND, trigger="t-1")
        await eventually(lambda: ["t-1", "t-1"] == _subjects(receiver))


async def test_a_stream_that_begins_anew_is_sent(
    store: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what was sent last stands behind all that can come."""
    monkeypatch.setattr(sender, "IDLE_S", 0.1)
    async with sending(store, receiver) as events:
        with store.client() as owner:
            last = Event(FOUND, datetime.now(UTC), {"trigger": "last"}, "e-last")
            owner.xadd(
                "neo:{signs}:v1:events",
                {"event": encode_event(last)},
                id=f"{2**64 - 1}-{2**64 - 1}",
            )
        await eventually(lambda: ["last"] == _subjects(receiver))
        for number in range(2):
            events.tell(FOUND, trigger=f"t-{number}")
        await eventually(lambda: ["last", "t-0", "t-1"] == _subjects(receiver))


@pytest.mark.parametrize(
    "left", [b"9" * 5000 + b"-0", b"soon", f"{2**64 - 1}-{2**64 - 1}".encode(), None]
)
async def test_whatever_stands_in_the_store_alarms_go_out(
    store: Server, receiver: Receiver, left: bytes | None
) -> None:
    """A place that is none, another type, events that no header can name: the next one is sent."""
    place, stream = "neo:{signs}:v1:sent-until", "neo:{signs}:v1:events"
    async with sending(store, receiver):
        pass
    with store.client() as owner:
        owner.delete(place)
        owner.set(place, left) if left else owner.rpush(place, "x")
        for event_id in ("e-1\r\nX: y", "e-\u20ac", ""):
            odd = Event(FOUND, datetime.max.replace(tzinfo=UTC), {"trigger": "odd"}, event_id)
            owner.xadd(stream, {"event": encode_event(odd)})
        async with sending(store, receiver) as events:
            # Events from before the first one that sends are nobody's.
            await eventually(lambda: owner.type(place) == b"string" and owner.get(place) != left)
            events.tell(FOUND, trigger="t-1")
            await eventually(lambda: "t-1" in _subjects(receiver))
    assert "odd" not in _subjects(receiver)


async def test_who_wants_no_more_gets_no_more(
    store: Server, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Not from this worker; the log says so."""
    receiver.replies = [answer(410)]
    async with sending(store, receiver) as events:
        events.tell(FOUND, trigger="t-1")
        await eventually(lambda: "wants no more" in caplog.text)
        events.tell(FOUND, trigger="t-2")
        await asyncio.to_thread(_written, store, 2)
    assert 1 == len(receiver.posts)


async def test_while_the_store_is_away_each_worker_sends_its_own(
    store: Server, receiver: Receiver
) -> None:
    """That the store is away, above all; nothing of it is sent again when the store is back."""
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(sending(store, receiver)) for _ in "ab"]
        one.tell(FOUND, trigger="t-1")
        await eventually(lambda: len(receiver.posts) == 1)
        store.kill()
        other.tell(FOUND, trigger="t-2")
        degraded = "neo-gateway.gateway.degraded"
        await eventually(lambda: [p.fields["type"] for p in receiver.posts].count(degraded) == 2)
        await eventually(lambda: "t-2" in _subjects(receiver))
        store.lose_everything()
        store.start()
        await eventually(lambda: receiver.posts[-1].fields["type"].endswith("recovered"), 20)
        one.tell(FOUND, trigger="t-3")
        await eventually(lambda: "t-3" in _subjects(receiver))
    # What is told as it comes back may be sent by both workers, under its one id.
    before = [post.fields["id"] for post in receiver.posts if post.fields.get("subject") != "t-3"]
    assert len(before) == len(set(before))


async def test_a_killed_workers_events_are_sent_by_another_one(
    store: Server, receiver: Receiver
) -> None:
    """The one that it was about to send, too."""
    receiver.replies = [None]
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SEND_FOR_EVER, store.url, receiver.url
    )
    try:
        with store.client() as owner:
            await eventually(lambda: owner.exists("neo:{signs}:v1:sent-until"), 30)
        async with sending(store, receiver) as events:
            events.tell(FOUND, trigger="t-1")
            await eventually(lambda: len(receiver.posts) == 1)
            killed.kill()
            await killed.wait()
            await eventually(lambda: len(receiver.posts) == 2)
    finally:
        if killed.returncode is None:
            killed.kill()
            await killed.wait()
    assert ["t-1", "t-1"] == _subjects(receiver)
    assert 1 == len(set(receiver.ids))
    assert ["webhook-signature" in post.headers for post in receiver.posts] == [False, True]


async def test_more_than_are_kept_are_sent_from_the_oldest_that_is(
    store: Server, receiver: Receiver
) -> None:
    """A receiver that was away for long misses what the store has no room for, and no more."""
    await receiver.stop()
    async with sending(store, receiver) as events:
        events.tell(Kind.WORKER_READY)
    events = Events()
    async with open_library(store.url, "signs", fleet=Fleet(events)):
        for number in range(RARE_KEPT):
            events.tell(FOUND, trigger=f"t-{number}")
        await asyncio.to_thread(_written, store, RARE_KEPT)
        events.tell(FOUND, trigger="last")
    with store.client() as owner:
        assert RARE_KEPT == owner.xlen("neo:{signs}:v1:events")
    await receiver.start()
    async with sending(store, receiver):
        await eventually(lambda: "last" in _subjects(receiver)[-1:], 60)
    assert ["t-1", "t-2"] == _subjects(receiver)[:2]
    # at least once: one that wasn't answered for in time comes again
    assert RARE_KEPT == len(set(receiver.ids))


def _subjects(receiver: Receiver) -> list[str]:
    return [post.fields["subject"] for post in receiver.posts if "subject" in post.fields]


def _written(store: Server, number: int) -> None:
    with store.client() as owner:
        wait_until(lambda: owner.xlen("neo:{signs}:v1:events") >= number)
