"""GET /events, from a real server: what another worker tells, and how it begins and ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from app.events import Events, Kind
from app.events.fleet import Fleet
from app.library.lifecycle import open_library
from app.library.server.embedded import server_program
from app.library.shared.background import repeating
from app.settings import Strategy
from app.web.answering import event_stream, listeners
from app.web.app import WebOptions, create_app
from tests.gateway.opened import opened
from tests.library.servers import eventually, running
from tests.plain_http import ASK, CERTIFICATES
from tests.served_apps import running as running_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fastapi import FastAPI

    from app.gateway.predict import Gateway
    from tests.library.servers import Server

NAME = "tiny"
ADMIN = {"Authorization": "Bearer admin"}


@pytest.fixture(scope="module")
def store() -> Iterator[Server]:
    """Run a Valkey for all tests here."""
    with running(server_program()) as server:
        yield server


@dataclass(frozen=True)
class Streaming:
    """A gateway that is served."""

    url: str
    app: FastAPI


@contextmanager
def serving(store: Server, **keys: Any) -> Iterator[Streaming]:
    """Serve a gateway of one worker."""

    @asynccontextmanager
    async def gateway() -> AsyncIterator[Gateway]:
        async with opened(store.url, NAME, prepare=False, strategy=Strategy.OFF) as worker:
            yield worker.gateway

    app = create_app(gateway, WebOptions(NAME, None, 1000, 1000, **keys))
    with running_app(app, lifespan="on") as url:
        yield Streaming(url, app)


@pytest.fixture(scope="module")
def streaming(store: Server) -> Iterator[Streaming]:
    """Serve one for all tests here that don't end it."""
    with serving(store) as streaming:
        yield streaming


@pytest.fixture
async def other(store: Server) -> AsyncIterator[Events]:
    """Yield the events of another worker."""
    events = Events()
    async with open_library(store.url, NAME, events=events, fleet=Fleet(events)):
        yield events


class Heard:
    """A stream that is read."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._parts = response.aiter_text()
        self._text = ""

    async def next(self) -> dict[str, str]:
        """Return the next block of lines, by their names; none at the end."""
        while "\n\n" not in self._text:
            async with asyncio.timeout(10):
                try:
                    self._text += await anext(self._parts)
                except StopAsyncIteration:
                    return {}
        block, _, self._text = self._text.partition("\n\n")
        return {
            name: value for name, _, value in (one.partition(": ") for one in block.split("\n"))
        }

    async def event(self, *kinds: str) -> dict[str, Any]:
        """Return what the next event of these kinds says (of triggers or images), with its id.

        On a busy machine the workers have others of their own: one is out of Redis' reach for once.
        """
        block = await self.next()
        while not block.get("event", "").startswith(kinds or ("trigger.", "image.")):
            assert block, "the stream has ended"
            block = await self.next()
        fields: dict[str, Any] = orjson.loads(block["data"])
        assert block["event"] == fields["event"]
        return fields | {"id": block.get("id")}


@asynccontextmanager
async def listening(
    url: str, last: str | None = None, headers: dict[str, str] | None = None
) -> AsyncIterator[Heard]:
    """Open the stream, from its beginning on or after the event *last*."""
    headers = (headers or {}) | ({} if last is None else {"Last-Event-ID": last})
    async with (
        httpx.AsyncClient(base_url=url, verify=CERTIFICATES, timeout=20) as client,
        client.stream("GET", "/events", headers=headers) as response,
    ):
        heard = Heard(response)
        if response.is_success:
            assert {"retry": "3000"} == await heard.next()
        yield heard


async def test_what_another_worker_tells_is_heard(streaming: Streaming, other: Events) -> None:
    """Under its name, with its time and its facts; what comes often has no place to go on from."""
    async with listening(streaming.url) as heard:
        other.tell(Kind.TRIGGER_DISCOVERED, trigger="t-1", target=2)
        found = await heard.event()
        assert ("trigger.discovered", {"trigger": "t-1", "target": 2}) == (
            found["event"],
            found["facts"],
        )
        assert found["id"]
        assert {"event", "event_id", "time", "facts", "id"} == found.keys()

        async def flagged() -> None:
            other.tell(Kind.IMAGE_FLAGGED, trigger="t-1", request_id="r-1")

        async with repeating(flagged, 0.1):  # heard from soon after somebody listens
            found = await heard.event("image.")
        assert (None, {"trigger": "t-1", "request_id": "r-1"}) == (found["id"], found["facts"])
    headers = heard.response.headers
    assert ("text/event-stream", "no-store", "no") == (
        headers["content-type"].partition(";")[0],
        headers["cache-control"],
        headers["x-accel-buffering"],
    )


async def test_who_comes_again_has_missed_nothing(streaming: Streaming, other: Events) -> None:
    """What was told since comes first, each once, then what is told now."""
    async with listening(streaming.url) as heard:
        other.tell(Kind.TRIGGER_DISMISSED, trigger="t-0")
        last = (await heard.event())["id"]
    other.tell(Kind.TRIGGER_DISMISSED, trigger="t-1")
    other.tell(Kind.TRIGGER_DISMISSED, trigger="t-2")
    async with listening(streaming.url) as watching:
        other.tell(Kind.TRIGGER_DISMISSED, trigger="t-3")
        while (await watching.event())["facts"]["trigger"] != "t-3":
            pass
    async with listening(streaming.url, last) as heard:
        other.tell(Kind.TRIGGER_DISMISSED, trigger="t-4")
        triggers = [(await heard.event())["facts"]["trigger"] for _ in range(4)]
    assert ["t-1", "t-2", "t-3", "t-4"] == triggers
    for strange in ("yesterday", "9999999999999-0"):  # of a store that has lost all since
        async with listening(streaming.url, strange) as heard:
            other.tell(Kind.TRIGGER_DISMISSED, trigger=strange)
            assert strange == (await heard.event())["facts"]["trigger"]


async def test_silence_is_broken_now_and_then(
    streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a comment, which no page hears, so that no proxy ends the stream."""
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.01)
    async with listening(streaming.url) as heard:
        assert {"": "ping"} == await heard.next()


async def test_a_stream_ends_after_a_while(
    streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks again has to have a key yet."""
    monkeypatch.setattr(event_stream, "LIFE_S", 0.0)
    async with listening(streaming.url) as heard:
        assert {} == await heard.next()


async def test_one_too_many_is_refused_and_who_goes_makes_room(
    streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a problem, and for so long only."""
    monkeypatch.setattr(listeners, "MOST_LISTENERS", 1)
    async with listening(streaming.url), listening(streaming.url) as heard:
        await heard.response.aread()
        assert 503 == heard.response.status_code
        assert "urn:neo-gateway:too-many-listeners" == heard.response.json()["type"]

    def refused() -> bool:
        with ASK.stream("GET", f"{streaming.url}/events") as response:
            return response.status_code != 200

    await eventually(lambda: not refused())


async def test_head_ends_at_once(streaming: Streaming) -> None:
    """With the same head, and nobody listens."""
    answer = await asyncio.to_thread(ASK.head, f"{streaming.url}/events")
    assert (200, b"") == (answer.status_code, answer.content)
    assert "text/event-stream" == answer.headers["content-type"].partition(";")[0]
    service = streaming.app.state.service
    await eventually(lambda: not service.listeners._here)  # noqa: SLF001  # who is left is told to none


async def test_once_keys_are_set_an_admins_is_needed(store: Server) -> None:
    """It tells of triggers, as `/trigger` does."""
    with serving(store, api_keys=("api",), admin_keys=("admin",)) as streaming:
        url = f"{streaming.url}/events"
        for status, headers in ((401, {}), (403, {"X-API-Key": "api"})):
            assert status == (await asyncio.to_thread(ASK.get, url, headers=headers)).status_code
        async with listening(streaming.url, headers=ADMIN) as heard:
            assert 200 == heard.response.status_code


async def test_it_ends_with_the_worker(store: Server) -> None:
    """When that is told to end, at once; who comes then is told to come again."""
    with serving(store) as streaming:
        async with listening(streaming.url) as heard:
            streaming.app.state.drain.begin()
            while block := await heard.next():
                assert block.get("event") in {None, "worker.ready", "worker.draining"}
        async with listening(streaming.url) as late:
            assert {} == await late.next()


async def test_it_says_that_the_store_is_away() -> None:
    """Though no other worker's events come any more."""
    with running(server_program()) as store, serving(store) as streaming:
        async with listening(streaming.url) as heard:
            store.kill()
            assert "gateway.degraded" == (await heard.event("gateway."))["event"]
