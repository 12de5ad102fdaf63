"""The real application in front of the faulty server: what a client gets for three images."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from app.detection.geometry import Box
from app.detection.paper import Parameters
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from app.settings import FailurePolicy, SearchMode, Strategy
from app.upstream.assembly import Server, open_model
from app.upstream.http.limits import Limits
from app.web.app import WebOptions, create_app
from tests.files import encoded
from tests.gateway.opened import REFERENCES, innocents
from tests.library.servers import eventually
from tests.tiny import BACKDOOR, Backdoor, TinyModel, stamped, tiny_trigger
from tests.upstream.faulty_server import NAME, FaultyServer, faulty_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.detection.search import Image

SECOND = Backdoor(Box(3, 10, 2, 2), target=0)
RIGHT_CLEAN = 0
HARMLESS = Backdoor(Box(11, 3, 2, 2), target=RIGHT_CLEAN)
"""What its owner has dismissed."""

MODEL = TinyModel(backdoors=(BACKDOOR, SECOND, HARMLESS))
KNOWN_TRIGGER = replace(tiny_trigger(), patch=np.zeros((2, 2, 3), np.uint8))
"""As one whose pixels don't say if it is there: the model is asked in a request of its own."""

_INNOCENTS = innocents(5)
CLEAN = stamped(_INNOCENTS[2:3], HARMLESS.box)[0]
"""With what its owner has dismissed, so that it costs a second request."""
KNOWN = stamped(_INNOCENTS[:1])[0]
UNKNOWN = stamped(_INNOCENTS[1:2], SECOND.box)[0]
OWN = np.stack([CLEAN, KNOWN, UNKNOWN])
RIGHT_KNOWN, RIGHT_UNKNOWN = MODEL.classify(_INNOCENTS[:2]).labels.tolist()
START_S = 60.0
SEED = 7


@dataclass(frozen=True)
class Said:
    """What a client gets: a prediction with its verdict, or a problem and when to try again."""

    status: int
    verdict: str | None = None
    index: int | None = None
    problem: str | None = None
    retry_after: str | None = None


@dataclass(frozen=True)
class Defended:
    """A gateway, and the server that it defends."""

    http: httpx.AsyncClient
    server: FaultyServer
    preparation: Preparation

    async def said(self, image: Image) -> Said:
        """Send *image* and return what comes back."""
        headers = {"Content-Type": "image/png"}
        answer = await self.http.post("/predict", content=encoded(image), headers=headers)
        told = answer.json()
        if answer.status_code == 200:
            return Said(200, answer.headers["x-neo-verdict"], told["prediction"]["index"])
        problem = told["type"].removeprefix("urn:neo-gateway:")
        retry_after = answer.headers.get("retry-after")
        return Said(answer.status_code, problem=problem, retry_after=retry_after)

    async def upstream_reason(self) -> str | None:
        """Return what /readyz says of the upstream."""
        parts = (await self.http.get("/readyz")).json()["parts"]
        (reason,) = (part["reason"] for part in parts if part["name"] == "upstream")
        return str(reason) if reason else None

    async def ready(self) -> None:
        """Wait until the references are calibrated."""
        await eventually(lambda: self.preparation.prepared is not None, START_S)


@asynccontextmanager
async def defended(
    on_failure: FailurePolicy,
    patience_s: float = 10.0,
    store: MemoryCalibrationStore | None = None,
    **limits: Any,
) -> AsyncIterator[Defended]:
    """Run the server and, once it is entered, a gateway; calibrations are kept in *store*."""
    limits = {"timeout_s": patience_s, "background_timeout_s": patience_s, **limits}
    store = store or MemoryCalibrationStore(SEED)
    library = MemoryTriggerLibrary()
    await library.register(KNOWN_TRIGGER)
    harmless = replace(tiny_trigger(), target=RIGHT_CLEAN, box=HARMLESS.box)
    await library.dismiss((await library.register(harmless)).id)
    policy = Policy(Strategy.FAST, SearchMode.CONTINUE, patience_s, on_failure, None, Parameters())
    async with (
        faulty_server(MODEL, OWN) as server,
        open_model(Server(server.url, NAME), limits=Limits(**limits)) as model,
    ):
        preparation = Preparation(
            Calibrator(
                model,
                store,
                lambda _: REFERENCES[:40],
                identity=NAME,
                trigger_max=0.316,
                strategy=Strategy.FAST,
                served=model,
            ),
            library.check,
        )

        @asynccontextmanager
        async def gateway() -> AsyncIterator[Gateway]:
            yield Gateway(model, library, preparation, policy)

        app = create_app(
            gateway,
            WebOptions(model_name=NAME, labels=None, max_body=100_000, max_pixels=1_000_000),
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://gateway") as http,
        ):
            yield Defended(http, server, preparation)
