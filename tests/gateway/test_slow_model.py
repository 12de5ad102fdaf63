"""A model server that is slow for each image: the first poisoned one teaches all the same."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.gateway.outcome import Screening, UnscreenedError
from app.gateway.predict import Gateway
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.gateway.visit import Visit
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from app.ports import Arrival
from app.settings import InputSettings, Protocol
from app.upstream.assembly import Server, open_model
from tests.gateway.opened import REFERENCES, START_S, TRIGGER_MAX, innocents, policy
from tests.library.servers import eventually
from tests.served_apps import running
from tests.tiny import TinyModel, stamped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

CLEAN = innocents(2)
POISONED = stamped(CLEAN)
PATIENCE_S = 0.5
PER_IMAGE_S = 0.005
"""A first round is answered within patience, a discovery isn't."""


class SlowServer:
    """Answers `instances`, after so long for each image."""

    def __init__(self) -> None:
        self.model = TinyModel()
        self.per_image_s = 0.0
        routes = [Route("/{path:path}", self._answer, methods=["GET", "POST"])]
        self.app = Starlette(routes=routes)

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET":
            return Response(b"{}")
        images = np.array(orjson.loads(await request.body())["instances"]).astype(np.uint8)
        await asyncio.sleep(self.per_image_s * len(images))
        scores = self.model.classify(images).scores
        assert scores is not None
        return Response(orjson.dumps({"predictions": scores.tolist()}))


@asynccontextmanager
async def defended(server: SlowServer) -> AsyncIterator[Gateway]:
    """Run a gateway in front of *server*, which is slow once it is ready."""
    library = MemoryTriggerLibrary()
    with running(server.app) as url:
        upstream = Server(url, "m", Protocol.INSTANCES)
        async with open_model(upstream, InputSettings(server.model.size)) as model:
            calibrator = Calibrator(
                model,
                MemoryCalibrationStore(7),
                lambda _: REFERENCES,
                identity="slow",
                trigger_max=TRIGGER_MAX,
            )
            preparation = Preparation(calibrator, library.check)
            async with preparation.running():
                await eventually(lambda: preparation.prepared is not None, START_S)
                server.per_image_s = PER_IMAGE_S
                gateway = Gateway(model, library, preparation, policy(patience_s=PATIENCE_S))
                yield gateway
                await gateway.close()


async def test_the_next_image_is_recognised() -> None:
    """The first one is refused when patience is over; what it carries is known a moment later."""
    async with defended(SlowServer()) as gateway:
        with pytest.raises(UnscreenedError, match="NEO_PATIENCE"):
            await gateway.predict(Visit(Arrival(POISONED[0])))
        assert () == gateway.library.entries()
        await eventually(lambda: bool(gateway.library.entries()), 60)
        outcome = await gateway.predict(Visit(Arrival(POISONED[1])))
    assert Screening.KNOWN_TRIGGER is outcome.screening
    assert TinyModel().classify(CLEAN[1:]).labels[0] == outcome.prediction.index
    assert outcome.probes <= 10
