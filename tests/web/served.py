"""The real application on the tiny model, spoken to in process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from app.detection.paper import Parameters
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from app.ports import StoreAwayError
from app.settings import FailurePolicy, SearchMode, Strategy
from app.web.app import WebOptions, create_app
from tests.library.servers import eventually
from tests.tiny import TinyModel, clean_images

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fastapi import FastAPI

    from app.detection.search import Images
    from app.ports import Entry

LABELS = ("red", "green", "blue <b>")  # the fourth class has no name
MAX_BODY = 100_000
MAX_PIXELS = 1_000_000
TRIGGER_MAX = 0.316
PATIENCE_S = 10.0
SEED = 7
START_S = 60.0
"""For a preparation on a machine with other things to do."""
CALIBRATIONS = MemoryCalibrationStore(SEED)  # of all tests: only the first one measures


class FaultyLibrary(MemoryTriggerLibrary):
    """A library that says what is wrong with it: its ``fault``."""

    fault: str | None = None

    def problem(self) -> str | None:
        """Return the fault that was set."""
        return self.fault

    async def dismiss(self, trigger_id: str, by: str | None = None) -> Entry:
        """Refuse while there is a fault."""
        if self.fault:
            raise StoreAwayError(self.fault)
        return await super().dismiss(trigger_id, by)


@cache
def _references(channels: int) -> Images:
    return clean_images(40, np.random.default_rng(3), channels)


@asynccontextmanager
async def plain_gateway(
    model: TinyModel, library: FaultyLibrary, **changed: Any
) -> AsyncIterator[Gateway]:
    """Run a plain proxy with references for its examples; its policy is *changed*, or these."""
    channels, keeper = model.size.channels, changed.pop("keeper", None)
    references = changed.pop("references", None)
    preparation = Preparation(
        Calibrator(
            model,
            CALIBRATIONS,
            lambda _: _references(channels) if references is None else references,
            identity="tiny",
            trigger_max=TRIGGER_MAX,
            second_opinion=changed.get("second_opinion"),
        ),
        library.check,
    )
    policy = Policy(
        changed.pop("strategy", Strategy.OFF),
        changed.pop("search", SearchMode.CONTINUE),
        PATIENCE_S,
        FailurePolicy.CLOSED,
        None,
        Parameters(),
        **changed,
    )
    async with preparation.running():
        await eventually(lambda: preparation.prepared is not None, START_S)
        yield Gateway(model, library, preparation, policy, keeper=keeper)


@dataclass(frozen=True)
class Served:
    """A running application, and what is behind it."""

    http: httpx.AsyncClient
    app: FastAPI
    model: TinyModel
    library: FaultyLibrary


@asynccontextmanager
async def serving(
    model: TinyModel | None = None, policy: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Served]:
    """Run the application on *model*, with *settings* and *policy* in place of the usual ones."""
    model, library = model or TinyModel(), FaultyLibrary()

    usual: dict[str, Any] = {
        "model_name": "tiny",
        "labels": LABELS,
        "max_body": MAX_BODY,
        "max_pixels": MAX_PIXELS,
    }
    opened = partial(plain_gateway, model, library, **(policy or {}))
    app = create_app(opened, WebOptions(**(usual | settings)))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as http,
    ):
        yield Served(http, app, model, library)


def assert_problem(response: httpx.Response, status: int, said: str) -> None:
    """Check that *response* is a problem with *status* whose detail says *said*."""
    problem = response.json()
    assert status == response.status_code
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "request_id"} <= problem.keys()
    assert status == problem["status"]
    assert response.headers["x-request-id"] == problem["request_id"]
    assert said in problem["detail"]
