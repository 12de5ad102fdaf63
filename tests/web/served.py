"""The real application on the tiny model, spoken to in process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from app.detection.calibration import calibrate
from app.detection.paper import Parameters
from app.detection.plan import make_plan
from app.detection.search import run
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation import Preparation
from app.settings import FailurePolicy, SearchMode, Strategy
from app.web.app import create_app
from tests.library.servers import eventually
from tests.tiny import SIDE, MemoryLibrary, TinyModel, clean_images

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from fastapi import FastAPI

    from app.detection.references import Calibration
    from app.detection.search import Images

LABELS = ("red", "green", "blue <b>")  # the fourth class has no name
MAX_BODY = 100_000
MAX_PIXELS = 1_000_000
TRIGGER_MAX = 0.316
PATIENCE_S = 10.0
SEED = 7
START_S = 60.0
"""The first preparation in a process loads scikit-learn."""


class MemoryCalibrations:
    """A calibration store that lives in this process alone and has the tiny model's already."""

    def __init__(self, channels: int) -> None:
        self._calibration = _calibration(channels)

    async def seed(self) -> int:
        """Return the seed."""
        return SEED

    async def calibration(
        self, key: str, measure: Callable[[], Awaitable[Calibration]]
    ) -> Calibration:
        """Return the calibration, whatever it is asked for by."""
        del key, measure
        return self._calibration

    async def placebo_rates(self, key: str) -> dict[str, float]:
        """Return none."""
        del key
        return {}

    async def keep_placebo_rates(self, key: str, rates: Mapping[str, float]) -> None:
        """Forget them."""


@cache
def _references(channels: int) -> Images:
    return clean_images(40, np.random.default_rng(3), channels)


@cache
def _calibration(channels: int) -> Calibration:
    plan = make_plan(SIDE, SIDE, channels, TRIGGER_MAX)
    return run(calibrate(_references(channels), plan, SEED), TinyModel(channels).classify)


async def _at_once() -> None:
    """Return: the library is in memory."""


@asynccontextmanager
async def plain_gateway(model: TinyModel, library: MemoryLibrary) -> AsyncIterator[Gateway]:
    """Run the gateway as a plain proxy, with references for its examples."""
    channels = model.size.channels
    preparation = Preparation(
        model,
        MemoryCalibrations(channels),
        lambda _: _references(channels),
        check_library=_at_once,
        identity="tiny",
        trigger_max=TRIGGER_MAX,
    )
    policy = Policy(
        Strategy.OFF, SearchMode.CONTINUE, PATIENCE_S, FailurePolicy.CLOSED, None, Parameters()
    )
    async with preparation.running():
        await eventually(lambda: preparation.prepared is not None, START_S)
        yield Gateway(model, library, preparation, policy)


@dataclass(frozen=True)
class Served:
    """A running application, and what is behind it."""

    http: httpx.AsyncClient
    app: FastAPI
    model: TinyModel
    library: MemoryLibrary


@asynccontextmanager
async def serving(model: TinyModel | None = None, **settings: Any) -> AsyncIterator[Served]:
    """Run the application on *model*, with *settings* in place of the usual ones."""
    model, library = model or TinyModel(), MemoryLibrary()

    usual: dict[str, Any] = {
        "model_name": "tiny",
        "labels": LABELS,
        "max_body": MAX_BODY,
        "max_pixels": MAX_PIXELS,
    }
    app = create_app(partial(plain_gateway, model, library), **(usual | settings))
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
