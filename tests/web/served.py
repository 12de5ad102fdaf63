"""The real application on the tiny model, spoken to in process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from app.gateway.examples import Examples
from app.gateway.predict import Gateway
from app.gateway.readiness import Part, Readiness
from app.ports import UpstreamError
from app.web.app import create_app
from tests.tiny import MemoryLibrary, TinyModel, clean_images, stamped, tiny_trigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from app.ports import Entry

LABELS = ("red", "green", "blue <b>")  # the fourth class has no name
MAX_BODY = 100_000
MAX_PIXELS = 1_000_000


class PlainGateway(Gateway):
    """The gateway as a plain proxy, with its own few references."""

    def __init__(self, model: TinyModel, library: MemoryLibrary) -> None:
        super().__init__(model, library)
        self._tiny = model
        self._references = clean_images(8, np.random.default_rng(3), model.size.channels)

    async def readiness(self) -> Readiness:
        """Ask the model and the library."""
        problem = None
        try:
            await self._tiny.check()
        except UpstreamError as exc:
            problem = str(exc)
        store = Part("store", self.library.problem(), needed=False)
        return Readiness((Part("upstream", problem), Part("references", None), store))

    async def examples(self, entry: Entry) -> Examples:
        """Stamp the trigger of *entry* on the references and ask the model."""
        assert entry.trigger.box == tiny_trigger().box
        poisoned = stamped(self._references)
        said = [await self._tiny.answer(images) for images in (self._references, poisoned)]
        return Examples(self._references, poisoned, *said)


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

    @asynccontextmanager
    async def open_gateway() -> AsyncIterator[Gateway]:
        yield PlainGateway(model, library)

    usual: dict[str, Any] = {
        "model_name": "tiny",
        "labels": LABELS,
        "max_body": MAX_BODY,
        "max_pixels": MAX_PIXELS,
    }
    app = create_app(open_gateway, **(usual | settings))
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
