"""A gateway that runs, opened; and its triggers as they are known here, read after each wave."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.kept import library_of
from app.ports import Entry
from app.remote_gateway.gateway import GatewayError, RunningGateway
from app.scan.looking.patience import Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.detection.geometry import Box
    from app.detection.search import Image
    from app.detection.trigger import Trigger
    from app.kept import MemoryTriggerLibrary
    from app.scan.looking.model import GatewaySource


@asynccontextmanager
async def opened_gateway(source: GatewaySource) -> AsyncIterator[RunningGateway]:
    """Open the gateway of *source*. Raises GatewayError."""
    async with RunningGateway(source.url, source.size, source.key) as gateway:
        yield gateway


class GatewayLearning:
    """Learns from *gateway* what it has learnt; hits are counted there."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.library: MemoryTriggerLibrary = library_of(())
        self._gateway = gateway

    async def hit(self, trigger_id: str, image: Image, place: Box | None) -> None:
        """Do nothing: the gateway has counted it."""

    def found_again(self, trigger_id: str, found: Trigger) -> None:
        """Do nothing: the gateway has searched, and learnt."""

    def check_size(self) -> None:
        """Return unless all of its triggers are of images of another size. Raises GatewayError."""
        said = self._gateway.size
        triggers = [entry.trigger for entry in self.library.entries()]
        theirs = {f"{one.image_height}x{one.image_width}" for one in triggers}
        if theirs and f"{said.height}x{said.width}" not in theirs:
            message = (
                f"--input-size says {said.height}x{said.width}, but the gateway's triggers are of"
                f" images of {' and '.join(sorted(theirs))}: say the size that its model takes"
            )
            raise GatewayError(message)

    async def settle(self) -> None:
        """Read the gateway's triggers; those that are as before stay. Raises GatewayError."""
        before = {entry.id: entry for entry in self.library.entries()}
        now = datetime.now(UTC)
        for trigger_id, trigger in (await Patience().ask(self._gateway.triggers)).items():
            known = before.get(trigger_id)
            if known is None:
                self.library.keep(Entry(trigger_id, trigger, now, now, hits=1))
            elif not _alike(known.trigger, trigger):
                await self.library.refine(trigger_id, trigger)


def _alike(one: Trigger, other: Trigger) -> bool:
    masks = [b"" if mask is None else mask.tobytes() for mask in (one.mask, other.mask)]
    same = one.box == other.box and one.target == other.target
    return same and masks[0] == masks[1] and one.patch.tobytes() == other.patch.tobytes()
