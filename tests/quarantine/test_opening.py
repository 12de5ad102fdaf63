"""The quarantine as its owner has set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.quarantine.opening import open_quarantine
from app.settings import Settings
from tests.quarantine.kept import PICTURES, of

if TYPE_CHECKING:
    from pathlib import Path


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
        async with open_quarantine(settings(place, tmp_path), 2) as kept:
            assert kept is not None
            address = await kept.keep(PICTURES[0], of("shop"))
            assert str(address).startswith(f"{place}/key=shop/trigger=t-1/")
    async with open_quarantine(settings(None, tmp_path), 2) as kept:
        assert kept is None
