"""What runs in an actor of Ray."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from app.ports import PortError
from app.scan.engines.answering import Failed, looked

if TYPE_CHECKING:
    from app.scan.engines.equipment import Equipment, GatewayEquipment, Looking
    from app.scan.looking.tasks import Looks, Task


class Seat:
    """Looks at pictures by its *equipment*, which is opened for the first task."""

    def __init__(self, equipment: Equipment | GatewayEquipment) -> None:
        self._equipment = equipment
        self._opened = AsyncExitStack()  # it ends with the process
        self._looker: Looking | None = None

    async def look(self, task: Task) -> Looks | Failed:
        """Return what there is to say of *task*."""
        if self._looker is None:
            try:
                self._looker = await self._opened.enter_async_context(self._equipment.opened())
            except PortError as exc:
                return Failed(exc.explained)
        return await looked(self._looker, task)
