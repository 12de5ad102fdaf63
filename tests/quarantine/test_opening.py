"""The quarantine as its owner has set it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.quarantine.opening import open_quarantine
from app.settings import Settings
from tests.library.servers import eventually
from tests.quarantine.kept import PICTURES, of


def now() -> datetime:
    """Return the moment."""
    return datetime.now(UTC)


def settings(place: Path | str | None, references: Path) -> Settings:
    """Return settings with this *place*."""
    named = None if place is None else str(place)
    return Settings(
        upstream_url="http://models", model="signs", reference=references, quarantine=named
    )


async def test_it_is_where_the_setting_says(tmp_path: Path) -> None:
    """A path is a folder, what has a scheme is a place of fsspec; without one there is none."""
    places = (tmp_path / "q", "memory://bucket/q")
    for place in places:
        async with open_quarantine(settings(place, tmp_path), 2, now) as kept:
            assert kept is not None
            address = await kept.keep(PICTURES[0], of("shop"))
            assert str(address).startswith(f"{place}/key=shop/trigger=t-1/")
    async with open_quarantine(settings(None, tmp_path), 2, now) as kept:
        assert kept is None


async def test_a_machine_whose_clock_is_ahead_removes_nothing(tmp_path: Path) -> None:
    """What is a month old by its clock goes only when the store's says the same."""
    options, month = settings(tmp_path / "q", tmp_path), timedelta(days=31)
    async with open_quarantine(options, 1, now) as kept:
        assert kept is not None
        picture = Path(str(await kept.keep(PICTURES[0], of("shop"))))
        await kept.keep(PICTURES[0], of("shop"))  # after the first look, in the same thread
    then = (now() - month).timestamp()
    os.utime(picture, (then, then))
    os.utime(picture.with_suffix(".json"), (then, then))
    async with open_quarantine(options, 1, lambda: now() - month) as kept:
        assert kept is not None
        await kept.keep(PICTURES[1], of("shop"))
        await kept.keep(PICTURES[1], of("shop"))  # as above
    assert {picture.name} < {one.name for one in (tmp_path / "q").rglob("*.png")}
    async with open_quarantine(options, 1, now):
        await eventually(lambda: not picture.exists())
