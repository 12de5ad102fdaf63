"""Two workers' libraries on one server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.library.lifecycle import open_library
from app.library.records.names import Keys
from app.library.rules.capacity import CAPACITY
from app.library.triggers import TOLD_AT_ONCE
from app.ports import Tally, UnknownTriggerError
from tests.library.findings import sample, trigger
from tests.library.servers import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server

Libraries = list["RedisTriggerLibrary"]


async def test_a_trigger_is_on_the_other_worker_soon(
    libraries: Libraries, record_property: Callable[[str, object], None]
) -> None:
    """What one worker registers the other one has, with every fact about it."""
    one, other = libraries
    waits = []
    for target in range(10):
        kept = await one.register(trigger(target))
        waits.append(await eventually(lambda: len(other.entries()) == target + 1, seconds=2))  # noqa: B023
        assert vars(kept.trigger).keys() == vars(other.entry(kept.id).trigger).keys()
        assert kept.trigger.box == other.entries()[0].trigger.box
        assert kept.trigger.patch.tolist() == other.entry(kept.id).trigger.patch.tolist()
    record_property("longest_wait_milliseconds", round(max(waits) * 1000))


async def test_what_one_caller_alone_has_proved_is_his_until_another_shows_it(
    libraries: Libraries,
) -> None:
    """On every worker, and also when one of them learns its pixels meanwhile."""
    one, other = libraries
    kept = await one.register(trigger(), "a", alone=True)
    assert "a" == (await one.register(trigger(), "a", alone=True)).only
    await eventually(lambda: len(other.entries()) == 1)
    assert (True, False) == tuple(other.entry(kept.id).counts_for(whose) for whose in "ab")
    assert (await other.register(trigger(), "b", alone=True)).only is None
    await one.refine(kept.id, replace(trigger(), moves=True))
    for library in libraries:
        await eventually(lambda: library.entry(kept.id).only is None)  # noqa: B023
        await eventually(lambda: library.entry(kept.id).trigger.moves)  # noqa: B023


async def test_one_trigger_found_many_times_at_once_is_one_entry(libraries: Libraries) -> None:
    """However many tasks of both workers find a trigger at once, one entry comes of it."""
    findings = [trigger(x=8 + i % 3) for i in range(20)]
    kept = await asyncio.gather(
        *(libraries[i % 2].register(finding) for i, finding in enumerate(findings))
    )
    assert 1 == len({entry.id for entry in kept})
    for library in libraries:
        await eventually(lambda: len(library.entries()) == 1)  # noqa: B023
        assert kept[0].id == library.entries()[0].id


async def test_different_triggers_found_at_once_are_all_kept(libraries: Libraries) -> None:
    """Workers that register at once don't overwrite each other's triggers."""
    await asyncio.gather(*(libraries[i % 2].register(trigger(i)) for i in range(30)))
    for library in libraries:
        await eventually(lambda: len(library.entries()) == 30)  # noqa: B023


async def test_a_dismissed_trigger_stays_dismissed(libraries: Libraries) -> None:
    """A dismissed trigger that is found again stays dismissed until it is restored."""
    one, other = libraries
    kept = await one.register(trigger())
    assert (await other.dismiss(kept.id)).dismissed
    await eventually(lambda: not one.entries())
    again = await one.register(trigger(x=9))
    assert (kept.id, True) == (again.id, again.dismissed)
    assert one.entry(kept.id).dismissed

    assert not (await one.restore(kept.id)).dismissed
    await eventually(lambda: [kept.id] == [entry.id for entry in other.entries()])


async def test_an_unknown_id_is_named(libraries: Libraries) -> None:
    """Asking for, dismissing, restoring or refining what isn't there says which id is unknown."""
    library = libraries[0]
    for asking in (
        library.dismiss("t-none"),
        library.restore("t-none"),
        library.refine("t-none", trigger()),
    ):
        with pytest.raises(UnknownTriggerError, match="t-none"):
            await asking
    with pytest.raises(UnknownTriggerError, match="t-none"):
        library.entry("t-none")
    assert () == await library.hit("t-none", sample(1))
    assert library.problem() is None


async def test_a_refinement_reaches_the_other_worker(libraries: Libraries) -> None:
    """What is known better of a trigger is known better on every worker."""
    one, other = libraries
    kept = await one.register(trigger())
    mask = trigger().patch[:, :, 0] > 2
    await one.refine(kept.id, replace(kept.trigger, mask=mask))
    assert one.entry(kept.id).trigger.mask is mask
    await eventually(
        lambda: bool(other.entries()) and other.entry(kept.id).trigger.mask is not None
    )
    assert mask.tolist() == other.entry(kept.id).trigger.mask.tolist()  # type: ignore[union-attr]


async def test_hits_of_all_workers_are_counted(libraries: Libraries) -> None:
    """Each worker counts its own hits at once, and soon those of the others."""
    one, other = libraries
    kept = await one.register(trigger())
    await eventually(lambda: bool(other.entries()))
    for library in libraries * 6:
        await library.hit(kept.id, sample(1))
    assert one.entry(kept.id).hits >= 6
    for library in libraries:
        await eventually(lambda: library.entry(kept.id).hits == 12)  # noqa: B023
        assert library.entry(kept.id).last_seen_at > kept.last_seen_at


async def test_hits_of_many_triggers_are_counted(libraries: Libraries) -> None:
    """More triggers hit at once than are told of at once are all told of in the end."""
    one, other = libraries
    for target in range(2 * TOLD_AT_ONCE + 1):
        await one.hit((await one.register(trigger(target))).id, sample(1))
    await eventually(lambda: len(other.entries()) == 2 * TOLD_AT_ONCE + 1)
    await eventually(lambda: {entry.hits for entry in other.entries()} == {1})


async def test_the_first_samples_are_kept(libraries: Libraries) -> None:
    """A trigger has the pixels of its first eight hits, whichever worker saw them."""
    one, other = libraries
    kept = await one.register(trigger())
    await eventually(lambda: bool(other.entries()))
    assert [1] == _values(await one.hit(kept.id, sample(1)))
    await eventually(lambda: other.entry(kept.id).hits == 1)
    await other.hit(kept.id, sample(2))
    await eventually(lambda: one.entry(kept.id).hits == 2)
    for value in range(3, 12):
        await other.hit(kept.id, sample(value))
    await eventually(lambda: one.entry(kept.id).hits == 11)
    await one.hit(kept.id, sample(99))
    await eventually(lambda: other.entry(kept.id).hits == 12)
    await one.exchange()  # after the one that told the other
    assert [1, 2, 3, 4, 5, 6, 7, 8] == _values(await other.hit(kept.id, sample(98)))
    assert [1, 2, 3, 4, 5, 6, 7, 8] == _values(await one.hit(kept.id, sample(97)))


async def test_a_sample_is_not_the_callers_image(libraries: Libraries) -> None:
    """What the caller does with its pixels afterwards doesn't change the sample."""
    kept = await libraries[0].register(trigger())
    pixels = sample(1)
    samples = await libraries[0].hit(kept.id, pixels)
    pixels[:] = 0
    assert [1] == _values(samples)


async def test_the_tally_is_of_all_workers(libraries: Libraries) -> None:
    """Screened and flagged images are counted once, whichever worker saw them."""
    for library in libraries * 3:
        library.count(screened=10)
        library.count(flagged=1)
    assert libraries[0].tally().screened >= 30
    for library in libraries:
        await eventually(lambda: library.tally() == Tally(60, 6))  # noqa: B023


async def test_the_tally_of_an_older_release_goes_on(server: Server) -> None:
    """It hasn't counted the images that it has answered: they are as many as it has screened."""
    with server.client() as client:
        client.hset(Keys("signs").tally, mapping={"screened": 50, "flagged": 7})
    async with open_library(server.url, "signs") as (library, _):
        assert Tally(50, 7, 50) == library.tally()
        library.count(answered=2, flagged=1)
    async with open_library(server.url, "signs") as (library, _):
        assert Tally(50, 8, 52) == library.tally()


async def test_restoring_is_no_image(server: Server) -> None:
    """A restored trigger lives on from now; an image has carried it when it did, until one does."""
    async with open_library(server.url, "signs") as (library, _):
        kept = await library.register(trigger())
        await library.dismiss(kept.id)
        restored = await library.restore(kept.id)
        assert restored.last_seen_at > kept.last_seen_at
        assert kept.last_seen_at == restored.last_image_at
    async with open_library(server.url, "signs") as (library, _):
        again = library.entry(kept.id)
        assert (False, kept.last_seen_at) == (again.dismissed, again.last_image_at)
        await library.hit(kept.id, sample(1))
        assert library.entry(kept.id).last_image_at > restored.last_seen_at
    async with open_library(server.url, "signs") as (library, _):
        assert library.entry(kept.id).last_image_at > restored.last_seen_at


async def test_what_is_still_to_be_written_is_written_at_the_end(server: Server) -> None:
    """Closing a library at once after counting and refining loses nothing."""
    async with open_library(server.url, "signs") as (library, _):
        kept = await library.register(trigger())
        await library.refine(kept.id, trigger(x=9))
        await library.hit(kept.id, sample(5))
        library.count(screened=3, flagged=1)
    async with open_library(server.url, "signs") as (library, _):
        assert (9, 1) == (library.entry(kept.id).trigger.box.x, library.entry(kept.id).hits)
        assert Tally(3, 1) == library.tally()


async def test_triggers_survive_a_restart_of_everything(server: Server) -> None:
    """A server that was killed and started with its data gives new workers all triggers."""
    async with open_library(server.url, "signs") as (library, _):
        kept = await library.register(trigger())
    server.kill()
    server.start()
    async with open_library(server.url, "signs") as (library, _):
        await library.check()
        assert [kept.id] == [entry.id for entry in library.entries()]


async def test_models_share_nothing(server: Server) -> None:
    """The triggers of one model are not those of another on the same server."""
    async with (
        open_library(server.url, "signs") as (signs, _),
        open_library(server.url, "signs}:v1") as (others, _),
    ):
        await signs.register(trigger())
        await others.register(trigger(x=50))
        assert [8] == [entry.trigger.box.x for entry in signs.entries()]
        assert [50] == [entry.trigger.box.x for entry in others.entries()]


async def test_the_least_recently_seen_make_room(libraries: Libraries) -> None:
    """A full library gives up the trigger that wasn't seen for longest, on every worker."""
    one, other = libraries
    kept = [await one.register(trigger(target)) for target in range(CAPACITY)]
    await one.hit(kept[0].id, sample(1))
    await eventually(lambda: len(other.entries()) == CAPACITY and other.entry(kept[0].id).hits == 1)
    newest = await one.register(trigger(CAPACITY))
    for library in libraries:
        await eventually(lambda: library.entries()[0].id == newest.id)  # noqa: B023
        ids = {entry.id for entry in library.entries()}
        assert {entry.id for entry in (kept[0], *kept[2:], newest)} == ids
    assert await one.register(trigger(1)) not in kept  # it was given up, and is new again


async def test_an_unreadable_entry_is_left_out(
    libraries: Libraries, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Nonsense in the store costs nothing but itself, and is named in the log."""
    kept = await libraries[0].register(trigger())
    with server.client() as client:
        client.hset(Keys("signs").triggers, "t-nonsense", "{}")
        client.incr(Keys("signs").hits + "-other")
    async with open_library(server.url, "signs") as (library, _):
        assert [kept.id] == [entry.id for entry in library.entries()]
        await library.check()
    assert "t-nonsense" in caplog.text


async def test_a_forgotten_script_is_sent_again(libraries: Libraries, server: Server) -> None:
    """A server that has forgotten its scripts, as after a failover, is taught them again."""
    with server.client() as client:
        client.script_flush()
    assert libraries[0].entries() == ()
    await libraries[0].register(trigger())
    await eventually(lambda: len(libraries[1].entries()) == 1)


def _values(samples: tuple[object, ...]) -> list[int]:
    return [int(pixels[0, 0, 0]) for pixels in samples]  # type: ignore[index]
