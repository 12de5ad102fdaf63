"""What runs in a process of its own: it serves one pipe until that ends."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from app.ports import PortError
from app.scan.engines.answering import Failed, looked

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.scan.engines.equipment import Equipment, GatewayEquipment


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
                pipe.send(await looked(looker, task))
    except PortError as exc:
        pipe.recv()
        pipe.send(Failed(exc.explained))
