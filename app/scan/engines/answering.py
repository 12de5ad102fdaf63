"""What a member of an engine says of a task: looks, or that nothing more can be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.ports import PortError

if TYPE_CHECKING:
    from app.scan.engines.equipment import Looking
    from app.scan.looking.tasks import Looks, Task


@dataclass(frozen=True)
class Failed:
    """The task couldn't be done, and no other could."""

    reason: str


async def looked(looker: Looking, task: Task) -> Looks | Failed:
    """Return what *looker* says of *task*."""
    try:
        return await looker.look(task)
    except PortError as exc:
        return Failed(exc.explained)
