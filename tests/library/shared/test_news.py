"""A change in Redis is heard at once, whether a worker may wait for it or has to ask."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from app.library import lifecycle
from app.library.lifecycle import open_library
from tests.library.findings import trigger
from tests.library.limited import let_in
from tests.library.servers import eventually

if TYPE_CHECKING:
    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server

NEVER = 3600.0
NEWS = "neo:{signs}:v1:news"


@pytest.fixture
def waiting_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody look at the version unless something stirs him."""
    monkeypatch.setattr(lifecycle, "LOOK_SECONDS", NEVER)


@pytest.mark.usefixtures("waiting_only")
async def test_a_change_is_heard(server: Server) -> None:
    """What one worker finds, makes exact, dismisses and restores the other knows of by itself."""
    url = server.url
    async with open_library(url, "signs") as (one, _), open_library(url, "signs") as (other, _):
        await _follows(one, other)


@pytest.mark.usefixtures("waiting_only")
async def test_who_may_not_wait_asks(server: Server) -> None:
    """A user of an older page, without the right to read news, hears of all the same changes."""
    with server.client() as owner:
        let_in(owner, "-xadd", "-xread", "-xrevrange")
    url = server.url.replace("unix://", "unix://neo:secret@")
    async with open_library(url, "signs") as (one, _), open_library(url, "signs") as (other, _):
        await _follows(one, other)


@pytest.mark.parametrize("last", [f"{2**64 - 1}-{2**64 - 1}", None])
@pytest.mark.usefixtures("waiting_only")
async def test_news_that_take_no_more_begin_anew(server: Server, last: str | None) -> None:
    """Where somebody has added the last item that there can be, or left another type."""
    async with open_library(server.url, "signs") as (one, _):
        await one.register(trigger(2))
        with server.client() as owner:
            owner.delete(NEWS)
            owner.xadd(NEWS, {"x": "y"}, id=last) if last else owner.set(NEWS, "text")
            async with open_library(server.url, "signs") as (other, _):
                await _follows(one, other)
            assert b"stream" == owner.type(NEWS)


@pytest.mark.usefixtures("waiting_only")
async def test_what_is_lost_is_written_back(server: Server) -> None:
    """A store that was emptied has the triggers again, whose workers have only waited for news."""
    async with AsyncExitStack() as stack:
        library, _ = await stack.enter_async_context(open_library(server.url, "signs"))
        kept = await library.register(trigger(1))
        with server.client() as owner:
            owner.flushall()
        await library.exchange()
        async with open_library(server.url, "signs") as (other, _):
            await eventually(lambda: [kept.id] == [entry.id for entry in other.entries()])


async def test_idle_workers_ask_little(server: Server) -> None:
    """Between two exchanges with the store a worker that waits for news sends nothing else."""
    async with open_library(server.url, "signs") as (library, _):
        await library.register(trigger(1))
        with server.client() as owner:
            before = _looks(owner)
            for _ in range(2):  # two of the waits that end without news
                ended = _calls(owner, "xread")
                await eventually(lambda ended=ended: _calls(owner, "xread") > ended)  # type: ignore[misc]
            # An exchange or two beside each, more on a busy machine; 40 a second without waiting.
            assert _looks(owner) - before <= 12


def _looks(owner: object) -> int:
    return _calls(owner, "mget")


def _calls(owner: object, command: str) -> int:
    stats = owner.info("commandstats")  # type: ignore[attr-defined]
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def _follows(one: RedisTriggerLibrary, other: RedisTriggerLibrary) -> None:
    kept = await one.register(trigger(1))
    await eventually(lambda: kept.id in {entry.id for entry in other.entries()})
    await one.refine(kept.id, trigger(1, x=9))
    await eventually(lambda: other.entry(kept.id).trigger.box.x == 9)
    await other.dismiss(kept.id)
    await eventually(lambda: one.entry(kept.id).dismissed)
    await one.restore(kept.id)
    await eventually(lambda: not other.entry(kept.id).dismissed)
