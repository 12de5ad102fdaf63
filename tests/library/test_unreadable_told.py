"""What the workers tell one another beside the library, spoilt in turn: what is new is told."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from app.events import Events, Kind
from app.events.fleet import Fleet
from app.history import History
from app.incidents import Act, Deed, Incidents, Sought
from app.library.records.names import Keys
from app.library.records.reading import Unreadable
from app.library.server.addresses import connected
from app.library.server.embedded import server_program
from app.library.shared.event_stream import RedisEventStream
from app.library.shared.history import SharedHistory
from app.library.shared.incidents import SharedIncidents
from app.library.shared.reach import Reach
from app.ports import OtherTypeError
from tests.library.clocks import Clock, Seconds
from tests.library.findings import NOW
from tests.library.servers import running
from tests.library.shared.test_incidents import incident
from tests.library.spoiling import paths, spoilt
from tests.library.test_unreadable import SPOILT, restore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from redis import Redis

    from tests.library.servers import Server

KEYS = Keys("signs")
MINUTE = KEYS.minute(10)
STREAMS = {KEYS.events: b"event", KEYS.sightings: b"event", KEYS.acts: b"act"}
PLAIN = (KEYS.sent_until, KEYS.lease("webhook"))
HASHES = (KEYS.incident_records, MINUTE)
EVERY = (*STREAMS, *PLAIN, *HASHES, KEYS.incidents)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a Valkey for all tests."""
    with running(server_program()) as server:
        yield server


@dataclass(frozen=True, eq=False)
class Worker:
    """What a worker tells the others, and asks them for."""

    events: Events
    stream: RedisEventStream
    incidents: Incidents
    listed: SharedIncidents
    history: History
    minutes: SharedHistory

    async def tells(self, number: int) -> None:
        """Tell all there is, once."""
        for kind in (Kind.TRIGGER_DISCOVERED, Kind.TRIGGER_SEEN):
            self.events.tell(kind, trigger=f"t-{number}")
        self.incidents.keep(incident(of=f"t-{number}"))
        self.history.add(flagged=True, probes=1, seconds=0.1)
        await self.incidents.note(Act(NOW, Deed.DISMISS, f"t-{number}", "ops", "r-1"))
        for step in (self.stream.write, self.listed.tell, self.minutes.tell):
            await mended(step)

    async def hears(self) -> set[str]:
        """Ask for all there is; return what there was of each."""
        place, heard = "0-0", []
        while some := await self.stream.since(place):
            heard += [str(told.event.facts["trigger"]) for told in some]
            place = some[-1].place
        sent_until = await self.stream.sent_until() or "0-0"
        assert len(sent_until) < 40
        await self.stream.keep_sent_until(await self.stream.newest())
        assert await self.stream.newest() == await self.stream.sent_until()
        async with self.stream.sending():
            pass
        assert 1 <= (await self.history.all())[10].images < 2**60
        return {
            *(f"event {trigger}" for trigger in heard),
            *(f"incident {one.trigger_id}" for one in await self.incidents.sought(Sought(100))),
            *(f"act {one.trigger_id}" for one in await self.incidents.acts()),
        }


async def mended(step: Callable[[], Awaitable[None]]) -> None:
    """Take *step*, again where it has cleared what was of another type, as it is repeated."""
    try:
        await step()
    except OtherTypeError:
        await step()


@asynccontextmanager
async def worker(server: Server) -> AsyncIterator[Worker]:
    """Yield a worker that does nothing in the background."""
    async with connected(server.url, 10.0) as client:
        events, unreadable, history = Events(), Unreadable(), History(Seconds(600.0))
        own = Incidents()
        listed = SharedIncidents(client, KEYS, own, unreadable, Reach(Events()), clock=Clock())
        yield Worker(
            events,
            RedisEventStream(client, KEYS, Fleet(events), unreadable),
            own,
            listed,
            history,
            SharedHistory(client, KEYS, history, unreadable),
        )


@pytest.mark.parametrize("key", EVERY)
async def test_whatever_is_there_what_is_new_is_told(server: Server, key: str) -> None:
    """Other bytes, other fields, another type: nobody trips, and all hear what is told next."""
    with server.client() as client:
        client.flushall()
        async with worker(server) as first:
            for number in range(3):
                await first.tells(number)
            client.set(KEYS.lease("webhook"), "somebody", px=4000)
            await first.stream.keep_sent_until(await first.stream.newest())
        state = {name: client.dump(name) or b"" for name in client.scan_iter()}
        assert set(EVERY) == {name.decode() for name in state}
        async with worker(server) as runs:
            await runs.tells(3)
            for spoil in _spoilers(client, key):
                restore(client, state)
                spoil()
                async with worker(server) as starts:
                    await starts.tells(4)
                    await runs.tells(5)
                    for one in (starts, runs):
                        told = {
                            f"{what} t-{n}" for what in ("event", "incident", "act") for n in "45"
                        }
                        assert told <= await one.hears()


def _spoilers(client: Any, key: str) -> Iterator[Any]:
    """Yield what spoils the key, and each kind of field in it, in each way."""
    for other in (partial(client.rpush, key, "not", "this"), partial(client.set, key, "text")):
        yield partial(_instead, client, key, other)
    if key in PLAIN:
        yield from (partial(client.set, key, value) for value in (*SPOILT, b"9" * 5000 + b"-0"))
    elif key in STREAMS:
        field = STREAMS[key]
        whole = client.xrevrange(key, count=1)[0][1][field]
        for value in (*SPOILT, whole[: len(whole) // 2], *_other_fields(whole)):
            yield partial(client.xadd, key, {field: value})
        yield partial(client.xadd, key, {b"\xff": b"\xff"})
        yield partial(client.xadd, key, {field: b""}, id=f"{2**63}-1")
        yield partial(client.xadd, key, {field: b""}, id=f"{2**64 - 1}-{2**64 - 1}")
    elif key in HASHES:
        name, whole = next(iter(client.hgetall(key).items()))
        for value in (*SPOILT, whole[: len(whole) // 2], *_other_fields(whole)):
            yield partial(client.hset, key, name, value)
        yield partial(client.hset, key, b"\xff\xfe", whole)
    else:
        for member in (*SPOILT, b"\xff y z", b"9999 x", b"9" * 16 + b"-" + b"f" * 8 + b" k t"):
            for score in (0, 1, -1, float("inf")):
                yield partial(client.zadd, key, {member: score})
        yield partial(client.zadd, key, dict.fromkeys(client.zrange(key, 0, 1), 7))


def _other_fields(whole: bytes) -> Iterator[bytes]:
    """Yield *whole* with each value in it changed to another one."""
    if not whole.startswith(b"{"):
        yield from (whole.replace(b"1", other, 1) for other in (b"9" * 16, b"-1", b"x", b""))
        return
    others = cycle(cast("list[object]", [None, -1, 1e300, "\r\n", []]))
    for path, value in zip(paths(orjson.loads(whole)), others, strict=False):
        yield orjson.dumps(spoilt(whole, path, value))


def _instead(client: Redis, key: str, other: Callable[[], object]) -> None:
    client.delete(key)
    other()
