"""The suspects of several workers, and the pictures that were flagged, on a real server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson
import pytest

from app.events import Events
from app.library.records.basics import encode_time
from app.library.records.names import KeptKeys, Keys
from app.library.records.reading import Unreadable
from app.library.records.suspect_encoding import decode_noted, encode_noted
from app.library.server.addresses import connected
from app.library.shared.reach import Reach
from app.library.shared.suspects import SharedSuspects
from app.suspects import LIVES, Noted, Suspects
from tests.library.clocks import Clock
from tests.library.findings import NOW
from tests.library.spoiling import paths, spoilt
from tests.test_suspects import SECOND, SOURCE, suspect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.library.servers import Server

KEYS = Keys("signs")
EACH = (KEYS.suspects, KEYS.flagged)
SPOILT = (b"", b"\xff\x00", b"nan", b"-1 2 a", b"9" * 400, b"1e5 2 a", b"null", b"{", b"[]")


@asynccontextmanager
async def worker(
    server: Server, clock: Clock | None = None, keys: KeptKeys = KEYS.suspects, **bounds: Any
) -> AsyncIterator[tuple[Suspects, SharedSuspects]]:
    """Yield a worker's suspects, shared under *keys* of *server* within *bounds*."""
    clock = clock or Clock()
    async with connected(server.url, 1.0) as client:
        own = Suspects(clock)
        yield (
            own,
            SharedSuspects(client, keys, own, Unreadable(), Reach(Events()), clock=clock, **bounds),
        )


def _ids(own: Suspects) -> set[str]:
    return {one.id for one in own.entries()}


@pytest.mark.parametrize("keys", EACH)
async def test_what_one_worker_notes_all_have(server: Server, keys: KeptKeys) -> None:
    """A suspect comes back as it was; who has seen it, and how often, adds up."""
    async with (
        worker(server, keys=keys) as (own, shared),
        worker(server, keys=keys) as (other, its),
    ):
        (noted,) = own.note([suspect()], SOURCE, "a")
        own.see([noted.id], "a")
        await shared.tell()
        await its.exchange()
        other.see([noted.id], "b")
        await its.tell()
        await shared.exchange()
        for kept in (*own.entries(), *other.entries()):
            assert (noted.id, 3, frozenset("ab"), "a") == (
                kept.id,
                kept.seen,
                kept.callers,
                kept.caller,
            )
            assert SOURCE == kept.source
            assert (2, 0, suspect().box, suspect().inner) == (
                kept.suspect.target,
                kept.suspect.source,
                kept.suspect.box,
                kept.suspect.inner,
            )
            assert np.array_equal(suspect().patch, kept.suspect.patch)
        assert own.entries()[0].suspect is noted.suspect  # it isn't read again
        other.forget([noted.id])
        await its.tell()
        await shared.exchange()
        assert set() == _ids(own)
    with server.client() as client:
        assert 0 == client.exists(*keys)


@pytest.mark.parametrize("keys", EACH)
async def test_they_live_an_hour_by_the_clock_of_the_store(server: Server, keys: KeptKeys) -> None:
    """Unless they are seen again; what a worker's own clock says plays no part."""
    clock = Clock()
    async with worker(server, clock, keys) as (own, shared), worker(server, keys=keys) as (late, _):
        late.clock = Clock()
        one, two = own.note([suspect(), suspect()], SOURCE, "a")
        await shared.tell()
        clock.forward(LIVES - SECOND)
        own.see([two.id], "a")
        await shared.tell()
        clock.forward(SECOND)
        await shared.exchange()
        assert {two.id} == _ids(own)
        assert one.id not in own.known()
        clock.forward(LIVES)
        await shared.exchange()
        assert set() == _ids(own)


@pytest.mark.parametrize("keys", EACH)
async def test_who_floods_pushes_out_his_own(server: Server, keys: KeptKeys) -> None:
    """Of the caller who has most, of the class that he has most of, the oldest go."""
    clock = Clock()
    bounds = {"most": 6, "spare": 2}
    async with worker(server, clock, keys, **bounds) as (own, shared):
        (honest,) = own.note([suspect()], SOURCE, "honest")
        (rare,) = own.note([suspect(target=1)], SOURCE, "flood")
        noted: list[Noted] = []
        for _ in range(20):
            clock.forward(SECOND)
            noted += own.note([suspect()], SOURCE, "flood")
            await shared.tell()
            assert len(own.entries()) <= 6
        assert {honest.id, rare.id, noted[-1].id} <= _ids(own)


@pytest.mark.parametrize("keys", EACH)
async def test_what_cannot_be_read_is_left_out(server: Server, keys: KeptKeys) -> None:
    """Whatever is in any field, or of another type: nobody trips, and new ones are shared."""
    for key in keys:
        for spoil in _spoilers(key):
            async with (
                worker(server, keys=keys) as (own, shared),
                worker(server, keys=keys) as (starts, its),
            ):
                with server.client() as client:
                    client.flushall()
                    one, two = own.note([suspect(), suspect()], SOURCE, "a")
                    await shared.tell()
                    spoil(client, one.id)
                await shared.exchange()
                await its.exchange()
                (new,) = starts.note([suspect()], SOURCE, "b")
                await its.tell()
                await shared.exchange()
                assert new.id in _ids(own), (key, spoil)
                if not getattr(spoil, "whole", False):
                    assert two.id in _ids(starts)


def _spoilers(key: str) -> Iterator[Any]:
    for value in SPOILT:
        yield lambda client, name, value=value: _set_first(client, key, name, value)

    def of_another_type(client: Any, _: str) -> None:
        client.delete(key)
        client.rpush(key, "not", "this")

    cast("Any", of_another_type).whole = True
    yield of_another_type
    yield lambda client, _: client.hset(key, b"\xff\xfe", b"rubbish")


def _set_first(client: Any, key: str, name: str, value: bytes) -> None:
    """Spoil the field of the suspect *name*."""
    field = next(one for one in client.hkeys(key) if one.startswith(name.encode()))
    client.hset(key, field, value)


@pytest.mark.parametrize("keys", EACH)
async def test_every_field_of_a_record_may_be_spoilt(server: Server, keys: KeptKeys) -> None:
    """One with any field that can't be is left out alone, by a worker that starts."""
    async with worker(server, keys=keys) as (own, shared):
        one, two = own.note([suspect(), suspect()], SOURCE, "a")
        await shared.tell()
    with server.client() as client:
        data = cast("bytes", client.hget(keys.records, one.id))
        for path in paths(orjson.loads(data)):
            for value in cast("list[object]", [None, -1, 2**63 - 1, 1e300, "", [], {}]):
                client.hset(keys.records, one.id, orjson.dumps(spoilt(data, path, value)))
                async with worker(server, keys=keys) as (starts, its):
                    await its.exchange()
                    assert {two.id} <= _ids(starts) <= {one.id, two.id}, (path, value)
                    for kept in starts.entries():
                        patch, box = kept.suspect.patch, kept.suspect.box
                        assert patch.shape[:2] == (box.height, box.width)


async def test_an_older_release_has_flagged_none(server: Server) -> None:
    """It keeps nothing of an image that was flagged, and doesn't say so."""
    async with worker(server) as (own, _):
        (noted,) = own.note([suspect()], SOURCE, "a")
    record = orjson.loads(encode_noted(noted))
    assert decode_noted(noted.id, orjson.dumps(record)).source.flagged
    del record["of"]["flagged"]
    assert not decode_noted(noted.id, orjson.dumps(record)).source.flagged


async def test_a_time_to_come_is_now(server: Server) -> None:
    """What somebody has put into the future goes an hour from now."""
    clock = Clock()
    async with worker(server, clock) as (own, shared):
        (noted,) = own.note([suspect()], SOURCE, "a")
        await shared.tell()
        with server.client() as client:
            later = encode_time(NOW + timedelta(days=900))
            client.hset(KEYS.suspects.seen, noted.id, f"{later} 2 a")
        await shared.exchange()
        assert {noted.id} == _ids(own)
        assert all(one.last_seen_at <= clock() for one in own.entries())


async def test_pictures_and_suspects_are_kept_apart(server: Server) -> None:
    """What is kept of one is none of the other, and a flood of one pushes out none of the other."""
    with server.client() as client:
        client.flushall()
    bounds: dict[str, Any] = {"most": 4, "spare": 1}
    async with (
        worker(server, keys=KEYS.flagged, **bounds) as (pictures, shown),
        worker(server, keys=KEYS.suspects, **bounds) as (suspects, shared),
    ):
        (suspected,) = suspects.note([suspect()], SOURCE, "a")
        await shared.tell()
        for _ in range(9):
            pictures.note([suspect()], SOURCE, "a")
            await shown.tell()
        await shared.exchange()
        assert {suspected.id} == _ids(suspects)
        assert suspected.id not in _ids(pictures)
        assert 0 < len(_ids(pictures)) <= 4
