"""What runs in a process of its own: it serves one pipe until that ends."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.ports import PortError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.scan.engines.equipment import Equipment, GatewayEquipment, Looking
    from app.scan.looking.tasks import Looks, Task


@dataclass(frozen=True)
class Failed:
    """The task couldn't be done, and no other could."""

    reason: str


def serve(pipe: Connection, equipment: Equipment | GatewayEquipment) -> None:
    """Look at the tasks that come through *pipe* until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the scan, which then ends us
    try:
        asyncio.run(_served(pipe, equipment))
    except (EOFError, OSError):
        return  # the scan has ended


async def _served(pipe: Connection, equipment: Equipment | GatewayEquipment) -> None:
    try:
        async with equipment.opened() as looker:
            while True:
                task = await asyncio.to_thread(pipe.recv)
                pipe.send(await _looked(looker, task))
    except PortError as exc:
        pipe.recv()
        pipe.send(Failed(exc.explained))


async def _looked(looker: Looking, task: Task) -> Looks | Failed:
    try:
        return await looker.look(task)
    except PortError as exc:
        return Failed(exc.explained)
