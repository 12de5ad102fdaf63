"""A library that a newer gateway uses is left alone by an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.library.lifecycle import open_library
from app.library.records import contents, names
from app.library.records.names import SCHEMA_VERSION, Keys
from app.library.shared import store
from app.ports import LibraryError
from tests.library.findings import trigger
from tests.library.servers import eventually

if TYPE_CHECKING:
    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server

KEYS = Keys("signs")
NEWER = SCHEMA_VERSION + 1


async def test_the_schema_is_written_down(server: Server) -> None:
    """The first gateway notes the number of its schema, also in a library that had none."""
    async with open_library(server.url, "signs") as (library, _):
        kept = await library.register(trigger())
    with server.client() as client:
        assert b"%d" % SCHEMA_VERSION == client.getdel(KEYS.schema)
    async with open_library(server.url, "signs") as (library, _):
        assert [kept.id] == [entry.id for entry in library.entries()]
    with server.client() as client:
        assert b"%d" % SCHEMA_VERSION == client.get(KEYS.schema)


async def test_a_newer_one_is_refused(server: Server) -> None:
    """An older gateway isn't ready, says what to do, and writes no triggers of its own."""
    with server.client() as client:
        client.set(KEYS.schema, NEWER)
    async with open_library(server.url, "signs") as (library, _):
        with pytest.raises(LibraryError, match=f"schema {NEWER}.*upgrade this one"):
            await library.check()
        await library.register(trigger())
    with server.client() as client:
        assert [KEYS.schema.encode()] == client.keys("*")


async def test_a_migration_under_way_is_noticed(
    libraries: list[RedisTriggerLibrary], server: Server
) -> None:
    """Older gateways that run go on with what they know, and write nothing any more."""
    library = libraries[0]
    await library.register(trigger(1))
    with server.client() as client:
        client.set(KEYS.schema, NEWER)
        client.delete(KEYS.version, KEYS.triggers, KEYS.hits, KEYS.seen)
        await eventually(lambda: library.problem() is not None)
        await library.register(trigger(2))
        assert 2 == len(library.entries())
        assert not client.exists(KEYS.triggers)


async def test_an_older_ones_library_is_not_read(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A newer gateway begins anew and says so once; the older one is refused from then on."""
    async with open_library(server.url, "signs") as (older, _):
        await older.register(trigger(1))
        for module in (contents, names, store):
            monkeypatch.setattr(module, "SCHEMA_VERSION", NEWER)
        for _ in range(2):
            async with open_library(server.url, "signs") as (library, _):
                await library.check()
                assert () == library.entries()
        said = [line for line in caplog.messages if "an older release's library" in line]
        assert 1 == len(said)
        monkeypatch.undo()
        await eventually(lambda: "upgrade this one" in str(older.problem()))
        assert 1 == len(older.entries())
