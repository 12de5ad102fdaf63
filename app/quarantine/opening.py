"""The quarantine as its owner has set it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.quarantine.places import Cloud, Folder
from app.quarantine.quarantine import Quarantine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.settings import Settings


@asynccontextmanager
async def open_quarantine(settings: Settings, workers: int) -> AsyncIterator[Quarantine | None]:
    """Run the quarantine that *settings* name, None if they name none, for one of *workers*."""
    if settings.quarantine is None:
        yield None
        return
    named = settings.quarantine
    place = Cloud(named) if "://" in named else Folder(Path(named))
    kept = Quarantine(place, settings.quarantine_max, settings.quarantine_ttl, workers)
    async with kept.sweeping():
        yield kept
