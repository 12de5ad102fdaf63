"""What runs in a process of its own: it serves one pipe until that ends."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.detection.reference_set.references import References
from app.gateway.preparation.prepared import Prepared
from app.kept import library_of
from app.ports import PortError
from app.scan.looking.looker import Looker
from app.scan.model import opened_model

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.detection.plan import Plan
    from app.detection.reference_set.references import Calibration
    from app.detection.search import Images
    from app.gateway.policy import Policy
    from app.ports import Model
    from app.scan.looking.looker import Decoding
    from app.scan.looking.tasks import Looks
    from app.scan.model import ModelSource


@dataclass(frozen=True, eq=False)
class Equipment:
    """All that a process needs to look at pictures, as it goes through a pipe."""

    source: ModelSource
    images: Images
    calibration: Calibration
    seed: int
    plan: Plan
    policy: Policy
    decoding: Decoding

    def looker(self, model: Model) -> Looker:
        """Return who looks at pictures with it, by an open *model*."""
        references = References(self.images, self.calibration, {}, self.seed)
        prepared = Prepared(references, self.plan, "")
        return Looker(model, prepared, self.policy, self.decoding, library_of)


@dataclass(frozen=True)
class Failed:
    """The task couldn't be done, and no other could."""

    reason: str


def serve(pipe: Connection, equipment: Equipment) -> None:
    """Look at the tasks that come through *pipe* until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the scan, which then ends us
    try:
        asyncio.run(_served(pipe, equipment))
    except (EOFError, OSError):
        return  # the scan has ended


async def _served(pipe: Connection, equipment: Equipment) -> None:
    try:
        async with opened_model(equipment.source) as model:
            await model.check()  # only then it's known what images it takes
            looker = equipment.looker(model)
            while True:
                task = await asyncio.to_thread(pipe.recv)
                pipe.send(await _looked(looker, task))
    except PortError as exc:
        pipe.recv()
        pipe.send(Failed(exc.explained))


async def _looked(looker: Looker, task: object) -> Looks | Failed:
    try:
        return await looker.look(task)  # type: ignore[arg-type]  # our own process has sent it
    except PortError as exc:
        return Failed(exc.explained)
