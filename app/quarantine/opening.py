"""The quarantine as its owner has set it."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.quarantine.places import Cloud, Folder
from app.quarantine.quarantine import Quarantine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from app.settings import Settings


@asynccontextmanager
async def open_quarantine(
    settings: Settings, workers: int, clock: Callable[[], datetime]
) -> AsyncIterator[Quarantine | None]:
    """Run the quarantine that *settings* name, None if they name none, for one of *workers*.

    *clock* tells the store's time. Files have the time of this machine, or of where they are: so
    nothing is old before it is by both.
    """
    if settings.quarantine is None:
        yield None
        return
    named = settings.quarantine
    place = Cloud(named) if "://" in named else Folder(Path(named))

    def now() -> float:
        return min(time.time(), clock().timestamp())

    kept = Quarantine(place, settings.quarantine_max, settings.quarantine_ttl, workers, now)
    async with kept.sweeping():
        yield kept
