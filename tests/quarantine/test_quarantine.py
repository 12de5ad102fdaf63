"""Keeping flagged images."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from app.quarantine.places import Folder
from app.quarantine.quarantine import Quarantine
from tests.library.clocks import Seconds
from tests.library.servers import eventually
from tests.quarantine.kept import PICTURES, Broken, of

if TYPE_CHECKING:
    import pytest

    from app.quarantine.places import Place

DAY = timedelta(days=1)
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def quarantine(place: Place, most: int = 2**30, workers: int = 1) -> Quarantine:
    """Return one worker's quarantine."""
    return Quarantine(place, most, DAY, workers)


def files(folder: Path) -> list[Path]:
    """Return the files in *folder*."""
    return [one for one in folder.rglob("*") if one.is_file()]


def stored(folder: Path) -> int:
    """Return how many bytes are in *folder*."""
    return sum(one.stat().st_size for one in files(folder))


def at(address: str | None) -> Path:
    """Return the file at the address that there is."""
    assert address is not None
    return Path(address)


async def test_an_image_is_kept_with_its_incident(tmp_path: Path) -> None:
    """The file as it was sent, under its address, and all that is known of it beside it."""
    kept = quarantine(Folder(tmp_path))
    picture = at(await kept.keep(PICTURES[0], of("shop")))
    assert PICTURES[0] == picture.read_bytes()
    told = orjson.loads(picture.with_suffix(".json").read_bytes())
    assert ("r-1", "shop", "t-1") == (told["request_id"], told["key"], told["trigger_id"])
    assert {"index": 2, "score": 0.875} == told["upstream"]
    assert 19 == told["evidence"]["carried"]


async def test_the_same_image_is_there_once(tmp_path: Path) -> None:
    """Its content is its name."""
    kept = quarantine(Folder(tmp_path))
    assert 1 == len({await kept.keep(PICTURES[0], of("shop")) for _ in range(3)})
    assert 2 == len(files(tmp_path))


async def test_workers_together_stay_below_the_most(tmp_path: Path) -> None:
    """However much three of them write, at no time there is more; and what others left stays."""
    most = 60_000
    workers = [quarantine(Folder(tmp_path), most, 3) for _ in "abc"]
    first = at(await workers[0].keep(PICTURES[0], of("bank")))
    (tmp_path / "notes.txt").write_text("mine")
    written = 0
    for picture in PICTURES[1:25]:
        for number, worker in enumerate(workers):
            address = await worker.keep(picture, of("flood", f"t-{number}"))
            written += address is not None
        assert stored(tmp_path) <= most
    assert 72 == written
    assert stored(tmp_path) > most // 2
    assert first.exists()
    assert (tmp_path / "notes.txt").exists()


async def test_large_images_of_many_workers_fit_as_well(tmp_path: Path) -> None:
    """Each larger than a worker's share, written by all at the same time.

    Whoever comes last makes room for six, so that less than half may be left, but not nearly all.
    """
    most = 80_000
    workers = [quarantine(Folder(tmp_path), most, 6) for _ in range(6)]
    for round_ in range(4):
        pictures = [bytes([round_, number]) * 4000 for number in range(6)]
        kept = zip(workers, pictures, strict=True)
        await asyncio.gather(*(one.keep(picture, of("flood")) for one, picture in kept))
        assert stored(tmp_path) <= most
    assert stored(tmp_path) > most // 4


async def test_one_that_is_too_large_is_not_kept(tmp_path: Path) -> None:
    """One image takes an eighth of it at most; that is no fault."""
    kept = quarantine(Folder(tmp_path), 10_000)
    assert await kept.keep(bytes(2000), of("shop")) is None
    assert (None, []) == (kept.problem, files(tmp_path))


async def test_what_is_old_goes_though_nothing_new_comes(tmp_path: Path) -> None:
    """A worker that starts looks for it, and goes on doing so."""
    picture = at(await quarantine(Folder(tmp_path)).keep(PICTURES[0], of("shop")))
    clock = Seconds(picture.stat().st_mtime + 2 * DAY.total_seconds())
    async with Quarantine(Folder(tmp_path), 2**30, DAY, 1, clock).sweeping():
        await eventually(lambda: not picture.exists())


async def test_a_full_disk_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A warning, and the reason, until it is well again; never an error."""
    place = Broken(FULL)
    kept = quarantine(place)
    with caplog.at_level(logging.INFO):
        assert [None, None] == [await kept.keep(one, of("shop")) for one in PICTURES[:2]]
        assert f"NEO_QUARANTINE can't be written to: {FULL.strerror}" == kept.problem
        assert 1 == len(caplog.messages)
        assert caplog.messages[0].startswith("flagged images can't be kept in NEO_QUARANTINE: ")
        place.error = None
        assert await kept.keep(PICTURES[0], of("shop"))
    assert "flagged images are kept again" == caplog.messages[-1]
    assert not kept.problem


async def test_a_folder_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    """Not only when the first attack comes."""
    (tmp_path / "file").write_text("no folder")
    kept = quarantine(Folder(tmp_path / "file"))
    async with kept.sweeping():
        await eventually(lambda: kept.problem is not None)
    assert kept.problem is not None
    assert "NEO_QUARANTINE can't be written to: " in kept.problem
