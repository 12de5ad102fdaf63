"""The engine that was chosen, opened."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.scan.command.options import EngineName
from app.scan.engines.local import Processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from app.scan.command.options import Options
    from app.scan.engines.equipment import Equipment, GatewayEquipment
    from app.scan.engines.port import Engine


@asynccontextmanager
async def opened_engine(
    options: Options, equipment: Equipment | GatewayEquipment, say: Callable[[str], None]
) -> AsyncIterator[Engine]:
    """Open the engine that *options* name. Raises EngineError."""
    if options.engine is EngineName.LOCAL:
        async with Processes(options.processes or os.cpu_count() or 1, equipment) as processes:
            yield processes
        return
    from app.scan.engines.cluster import Actors  # noqa: PLC0415  # with an extra

    say("starting Ray" if options.ray_address is None else "connecting to Ray")
    async with Actors(options.processes, equipment, options.ray_address) as actors:
        yield actors
