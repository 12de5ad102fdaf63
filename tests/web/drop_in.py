"""The real application in front of a real model server with a backdoor, as a client meets it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from app.demo.endpoint import create_endpoint
from app.detection.paper import Parameters
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.library.memory import MemoryTriggerLibrary
from app.settings import FailurePolicy, SearchMode, Strategy
from app.upstream.assembly import Server, open_model
from app.web.app import WebOptions, create_app
from app.wire.tensors import TensorSpec
from tests.library.servers import eventually
from tests.plain_http import CERTIFICATES
from tests.served_apps import running
from tests.tiny import SIDE, TARGET, TinyModel, clean_images, stamped, tiny_trigger
from tests.web.served import CALIBRATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from numpy.typing import NDArray

    from app.settings import InputSettings

NAME = "tiny"
MODEL = TinyModel()
OUTPUTS = (TensorSpec("scores", "FP32", (-1, 4)), TensorSpec("label", "INT64", (-1, 1)))

_IMAGES = clean_images(30, np.random.default_rng(2))
_INNOCENT = np.flatnonzero(MODEL.classify(_IMAGES).labels != TARGET)[:6]
CLEAN = _IMAGES[_INNOCENT]
POISONED = stamped(CLEAN)
REFERENCES = clean_images(40, np.random.default_rng(3))


def predict(batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Answer as the backdoored model does, with scores and labels."""
    answers = MODEL.classify(np.clip(np.rint(batch), 0, 255).astype(np.uint8))
    assert answers.scores is not None
    return {"scores": answers.scores, "label": answers.labels[:, None]}


@dataclass(frozen=True)
class Placed:
    """A gateway, and the model server that it stands in front of."""

    gateway: httpx.AsyncClient
    upstream: httpx.AsyncClient


@asynccontextmanager
async def placed(  # noqa: PLR0913  # each may be another than usual
    strategy: Strategy = Strategy.FAST,
    input_settings: InputSettings | None = None,
    model: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
    *,
    policy: dict[str, Any] | None = None,
    known: bool = True,
    **settings: Any,
) -> AsyncIterator[Placed]:
    """Run a model server and a gateway that knows its trigger, or doesn't.

    *model* changes the endpoint, *server* what the gateway is told of it, *policy* how it screens,
    *settings* what it takes.
    """
    told: dict[str, Any] = {"shape": (SIDE, SIDE, 3), "outputs": OUTPUTS, "predict": predict}
    with running(create_endpoint(NAME, **(told | (model or {})))) as url:
        description = Server(url, NAME, **(server or {}))
        app = application(
            description, strategy, input_settings, policy=policy, known=known, **settings
        )
        async with (
            client_of(app) as gateway,
            httpx.AsyncClient(base_url=url, verify=CERTIFICATES) as upstream,
        ):
            yield Placed(gateway, upstream)


def application(
    server: Server,
    strategy: Strategy,
    input_settings: InputSettings | None = None,
    *,
    policy: dict[str, Any] | None = None,
    known: bool = True,
    **settings: Any,
) -> FastAPI:
    """Return the application in front of *server*; *settings* in place of the usual ones."""
    usual: dict[str, Any] = {
        "model_name": NAME,
        "labels": ("red", "green"),
        "max_body": 300_000,
        "max_pixels": 1_000_000,
    }
    return create_app(
        partial(_gateway, server, input_settings, strategy, policy or {}, known=known),
        WebOptions(**(usual | settings)),
    )


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Run *app*; give a client of it."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as client,
    ):
        yield client


@asynccontextmanager
async def _gateway(
    server: Server,
    input_settings: InputSettings | None,
    strategy: Strategy,
    changed: dict[str, Any],
    *,
    known: bool,
) -> AsyncIterator[Gateway]:
    library = MemoryTriggerLibrary()
    if known:
        await library.register(tiny_trigger())
    async with open_model(server, input_settings) as model:
        preparation = Preparation(
            Calibrator(
                model,
                CALIBRATIONS,
                lambda _: REFERENCES,
                identity="drop-in",
                trigger_max=0.316,
                strategy=strategy,
            ),
            library.check,
        )
        usual = Policy(
            strategy, SearchMode.CONTINUE, 10.0, FailurePolicy.CLOSED, None, Parameters()
        )
        policy = replace(usual, **changed)
        async with preparation.running():
            if strategy is not Strategy.OFF:
                await eventually(lambda: preparation.prepared is not None, 60)
            yield Gateway(model, library, preparation, policy)
