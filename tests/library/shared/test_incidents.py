"""The incidents of several workers, on a real server."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.events import Events
from app.incidents import MOST_WAITING, Act, Deed, Incident, Incidents, Said, Sought, new_id
from app.library.records.names import Keys
from app.library.records.reading import Unreadable
from app.library.server.addresses import connected
from app.library.shared.incidents import SharedIncidents
from app.library.shared.reach import Reach
from app.ports import LibraryError
from tests.library.clocks import Clock
from tests.library.findings import NOW, trigger
from tests.library.limited import let_in, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from tests.library.servers import Server

KEYS = Keys("signs")
ALL = Sought(10_000)
SECOND = timedelta(seconds=1)


def incident(at: datetime = NOW, key: str | None = "shop", of: str = "t-1") -> Incident:
    """Return the incident of an image of this *key*, with the trigger *of* this id."""
    return Incident(
        id=new_id(at),
        at=at,
        request_id="r-1",
        key=key,
        upstream=Said(2, 0.875),
        sanitised=Said(1, None),
        trigger_id=of,
        screening="known-trigger",
        evidence=trigger().evidence,
        sha256="00" * 32,
        size=123,
        mode="enforce",
    )


@asynccontextmanager
async def worker(
    server: Server, url: str | None = None, **bounds: Any
) -> AsyncIterator[tuple[Incidents, SharedIncidents]]:
    """Yield a worker's incidents, shared on *server*, which keeps them within *bounds*."""
    async with connected(url or server.url, 1.0) as client:
        own = Incidents()
        clock = bounds.pop("clock", Clock())
        yield (
            own,
            SharedIncidents(
                client, KEYS, own, Unreadable(), Reach(Events()), clock=clock, **bounds
            ),
        )


async def test_what_one_worker_keeps_all_find(server: Server) -> None:
    """An incident comes back as it was, also where nothing is known of its key and evidence."""
    bare = replace(incident(), key=None, evidence=None, address="file:///q/a.png", late=True)
    async with AsyncExitStack() as stack:
        own, shared = await stack.enter_async_context(worker(server))
        other, _ = await stack.enter_async_context(worker(server))
        kept = [incident(NOW - SECOND), bare]
        for one in kept:
            own.keep(one)
        await shared.tell()
        await shared.tell()
        assert tuple(reversed(kept)) == await other.sought(ALL)
    assert () == own.waiting(1)


async def test_pages_and_filters(server: Server) -> None:
    """Newest first, as many as are wanted, before one, since a moment, of a trigger."""
    async with worker(server) as (own, shared):
        each = [incident(NOW - k * SECOND, of=f"t-{k % 2}") for k in range(7)]
        for one in reversed(each):
            own.keep(one)
        await shared.tell()
        assert tuple(each[:3]) == await own.sought(Sought(3))
        assert tuple(each[3:5]) == await own.sought(Sought(2, before=each[2].id))
        assert tuple(each[:3]) == await own.sought(Sought(9, since=NOW - 2 * SECOND))
        odd = await own.sought(Sought(2, before=each[1].id, trigger_id="t-1"))
        assert (each[3], each[5]) == odd
        assert () == await own.sought(Sought(9, trigger_id="t-9"))


async def test_they_expire_by_the_clock_of_the_store(server: Server) -> None:
    """What is older than it may be isn't found any more, and gone with the next that is written."""
    clock = Clock()
    async with worker(server, clock=clock, lives=timedelta(days=1)) as (own, shared):
        own.keep(incident())
        await shared.tell()
        clock.forward(timedelta(days=1))
        assert 1 == len(await own.sought(ALL))
        clock.forward(SECOND)
        assert () == await own.sought(ALL)
        own.keep(incident(NOW + timedelta(days=1)))
        await shared.tell()
    with server.client() as client:
        assert (1, 1) == (client.zcard(KEYS.incidents), client.hlen(KEYS.incident_records))


async def test_a_flood_pushes_out_its_own(server: Server) -> None:
    """Whoever sends most loses the oldest; what others sent stays, however long ago it was."""
    async with worker(server, most=20, spare=5) as (own, shared):
        others = [incident(NOW + k * SECOND, key="bank") for k in range(4)]
        others.append(incident(NOW, key="flood", of="t-9"))
        flood = [incident(NOW + k * SECOND, key="flood") for k in range(10, 60)]
        for one in (*others, *flood):
            own.keep(one)
            await shared.tell()
        found = await own.sought(ALL)
    assert {one.id for one in others} < {one.id for one in found}
    assert 15 <= len(found) <= 20
    assert flood[-1] == found[0]


async def test_without_redis_they_wait(server: Server) -> None:
    """A worker keeps the last ones while Redis is away, and writes them when it is back."""
    async with worker(server) as (own, shared):
        for k in range(MOST_WAITING + 1):
            own.keep(incident(NOW + k * SECOND))
        server.kill()
        with pytest.raises(LibraryError):
            await shared.tell()
        assert MOST_WAITING == len(own.waiting(2 * MOST_WAITING))
        server.start()
        await shared.tell()
        found = await own.sought(ALL)
    assert (MOST_WAITING, NOW + MOST_WAITING * SECOND) == (len(found), found[0].at)


async def test_what_cannot_be_read_is_left_out(server: Server) -> None:
    """Spoilt records, members and keys of another type hide no other incident for long."""
    async with worker(server) as (own, shared):
        for k in range(5):
            own.keep(incident(NOW - k * SECOND))
        await shared.tell()
        first, second, *_ = [one.id for one in await own.sought(ALL)]
        with server.client() as client:
            client.hset(KEYS.incident_records, first, b"{")
            client.hdel(KEYS.incident_records, second)
            client.zadd(KEYS.incidents, {"rubbish": 0, "9999 x": 0, b"\xff y z": 0})
        assert 3 == len(await own.sought(ALL))
        assert 3 == len(await own.sought(Sought(3)))  # those that can't be read are no end
        with server.client() as client:
            client.set(KEYS.incidents, "another type")
            client.xadd(KEYS.acts, {"rubbish": "1"})
        assert () == await own.sought(ALL)
        assert () == await own.acts()
        own.keep(incident())
        await shared.tell()
        assert 1 == len(await own.sought(ALL))
    with server.client() as client:
        assert 1 == client.hlen(KEYS.incident_records)


async def test_a_spoilt_order_ends(server: Server) -> None:
    """Scores that were set by hand keep nobody reading for ever, and are mended."""
    each = [incident(NOW - k * SECOND) for k in range(600)]
    async with worker(server) as (own, shared):
        for one in each:
            own.keep(one)
        await shared.tell()
        with server.client() as client:
            members = client.zrange(KEYS.incidents, 0, 4)
            for _ in range(500):  # how the set is searched is a matter of chance
                client.zadd(KEYS.incidents, dict.fromkeys(members, 0))
                client.zadd(KEYS.incidents, dict.fromkeys(members, 1))
                assert () == await own.sought(Sought(1, trigger_id="t-9"))
            found, before = 0, None
            while part := await own.sought(Sought(7, before)):
                found, before = found + len(part), part[-1].id
        assert found <= len(each)
        own.keep(incident(NOW + SECOND))
        await shared.tell()
        assert tuple(each) == (await own.sought(ALL))[1:]


async def test_what_admins_do_is_kept(server: Server) -> None:
    """Newest first: what, to which trigger, by whose key, when, by which request."""
    acts = [
        Act(NOW, Deed.DISMISS, "t-1", "ops", "r-1"),
        Act(NOW + SECOND, Deed.RESTORE, "t-1", None, "r-2"),
    ]
    async with worker(server) as (own, _), worker(server) as (other, _):
        for act in acts:
            await own.note(act)
        assert tuple(reversed(acts)) == await other.acts()


async def test_a_user_who_may_do_no_more(server: Server) -> None:
    """The user of `docs/redis.md` may do all of it."""
    with server.client() as client:
        let_in(client)
        async with worker(server, server.url.replace("://", "://neo:secret@"), most=2) as one:
            own, shared = one
            for k in range(3):
                own.keep(incident(NOW - timedelta(days=29 + k)))
            await shared.tell()
            await own.sought(ALL)
            await own.note(Act(NOW, Deed.DISMISS, "t-1", "ops", "r-1"))
            await own.acts()
        assert "" == refused(client)
