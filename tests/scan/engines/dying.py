"""Processes that die at a picture, as decoders do that crash."""

from __future__ import annotations

import os
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.scan.looking.tasks import Looks, Passed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.scan.looking.tasks import Task

DEADLY = b"deadly"


@dataclass(frozen=True)
class DyingEquipment:
    """What opens no model."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[_Dying]:
        """Open nothing."""
        yield _Dying()


class _Dying:
    """Passes pictures, but for one that it dies at."""

    async def look(self, task: Task) -> Looks:
        """Pass all, or die."""
        if any(content.body == DEADLY for content in task.contents):
            os.kill(os.getpid(), signal.SIGKILL)
        return Looks([Passed()] * len(task.contents))
