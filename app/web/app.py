"""The web application: what the routes need, in which order a request passes it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI
from pydantic import TypeAdapter
from starlette.datastructures import State
from starlette.middleware import Middleware

from app import tracing
from app.gateway.readiness import Door, Drain, readied
from app.logs import tell_unhandled
from app.metrics.workers import ended
from app.settings import Resize
from app.web.answering.answers import Labels
from app.web.answering.incidents import incident_answer
from app.web.answering.problems import Problem, described, register_problems
from app.web.answering.request_ids import RequestIds
from app.web.bodiless import as_get, without_body
from app.web.counting import counted
from app.web.direct import HotPaths
from app.web.guard import Guard
from app.web.guarding.forms import unless_foreign
from app.web.guarding.keys import Keys
from app.web.guarding.security_headers import secured
from app.web.intake.bodies import Bodies, BodyLimit
from app.web.intake.pixels import PictureLimits
from app.web.pages import assets, changing, dashboard, trying
from app.web.pages.docs import register_docs
from app.web.protocols import instances, oip, server_pages
from app.web.protocols.drop_in import errors
from app.web.routes import (
    events,
    health,
    incidents,
    metrics,
    predict,
    reports,
    suspects,
    triggers,
)
from app.web.service import DOOR, DRAIN, Service
from app.web.traced import traced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from starlette.types import Receive, Scope, Send

    from app.gateway.predict import Gateway
    from app.web.guarding.key_rings import KeyRing


class _Parts(State):
    """What the routes work with, as plain attributes.

    Starlette's own raises an AttributeError at each reading, and catches it: five times a request.
    """

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


class _Application(FastAPI):
    """FastAPI behind the hot paths; its OpenAPI document also describes the problems."""

    hot: HotPaths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        scope["app"] = self
        handle = self.hot.answer if self.hot.takes(scope) else self._handle
        if tracing.is_on() and scope["type"] == "http":
            await traced(handle, scope, receive, send)
        else:
            await handle(scope, receive, send)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle what isn't hot."""
        if scope["type"] == "http":
            send = counted(scope["path"], send)
            if scope["method"] == "HEAD":
                scope, send = as_get(scope), without_body(send)
        await super().__call__(scope, receive, secured(send))

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"]["Problem"] = TypeAdapter(Problem).json_schema()
        return document


@dataclass(frozen=True)
class WebOptions:
    """What is said of the model, what is taken of its callers, and who they may be.

    ``labels`` are the names of the classes in the order of their indices, None where the server's
    own are to be told. ``max_body`` is in bytes. Without any key nobody is asked for one.
    """

    model_name: str
    labels: tuple[str, ...] | None
    max_body: int
    max_pixels: int
    resize: Resize = Resize.STRETCH
    api_keys: Iterable[str] | KeyRing = ()
    admin_keys: Iterable[str] | KeyRing = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    """What reports tell of the settings."""


def create_app(
    open_gateway: Callable[[], AbstractAsyncContextManager[Gateway]],
    options: WebOptions,
    ending: Callable[[Drain], AbstractContextManager[object]] = nullcontext,
) -> FastAPI:
    """Return the application, which opens the gateway when it starts and closes it when it ends.

    Within *ending* the worker may be told to end: then its `Drain` begins.
    """

    def server_name(index: int) -> str | None:
        gateway: Gateway = app.state.gateway
        return gateway.model.class_name(index)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        drain, door = app.state.drain, Door()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(tell_unhandled)
        async with open_gateway() as gateway, readied(door, gateway):
            app.state.gateway = gateway
            gateway.recorder.write_as(partial(incident_answer, labels=labels))
            drain.tell(partial(loop.call_soon_threadsafe, gateway.drain))
            drain.tell(partial(loop.call_soon_threadsafe, app.state.service.listeners.close))
            with ending(drain):
                yield {DRAIN: drain, DOOR: door}
        ended()

    model_name = options.model_name
    labels = Labels(options.labels or (), server_name)
    keys, bodies = Keys(options.api_keys, options.admin_keys), Bodies(options.max_body)
    app = _Application(
        title="NEO Gateway",
        summary="A defence against backdoors in front of an image classifier",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # its Location would have whatever Host the request has
        middleware=[
            Middleware(RequestIds),
            Middleware(Guard, keys=keys, model=model_name),
            Middleware(BodyLimit, bodies=bodies),
        ],
    )
    app.state = _Parts()
    app.state.drain = Drain()
    app.state.service = Service(
        model_name,
        labels,
        bodies,
        PictureLimits(options.max_pixels, options.resize),
        keys,
        settings=options.settings,
    )
    register_problems(app)
    _register_routes(app, keys)
    named = {"model": model_name}
    app.hot = HotPaths(
        app.state.service,
        {
            "/predict": (predict.predict, {}),
            f"/v2/models/{model_name}/infer": (oip.infer, named),
            f"/v1/models/{model_name}:predict": (instances.predict, named),
        },
    )
    return app


def _register_routes(app: FastAPI, keys: Keys) -> None:
    keyed = keys.described()
    unknown, no_admin = (described(401), described(401, 403)) if keys.required else ({}, {})
    app.include_router(predict.router, dependencies=keyed, responses=unknown)
    refused = errors(401) if keys.required else {}
    # Before the models: `stats` is no model's name there.
    app.include_router(server_pages.router, dependencies=keyed, responses=refused)
    for protocol in (oip, instances):
        app.include_router(protocol.router, dependencies=keyed, responses=refused)
        app.include_router(protocol.health)
    app.include_router(
        triggers.router,
        dependencies=[Depends(unless_foreign), *keys.for_admins()],
        responses=no_admin,
    )
    app.include_router(events.router, dependencies=keys.for_admins(), responses=no_admin)
    app.include_router(reports.router, dependencies=keys.for_admins(), responses=no_admin)
    app.include_router(suspects.router, dependencies=keys.for_admins(), responses=no_admin)
    app.include_router(incidents.router, dependencies=keys.for_admins(), responses=no_admin)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(dashboard.router)
    app.include_router(assets.router)
    app.include_router(trying.router)
    app.include_router(changing.router, dependencies=keys.for_admins())
    register_docs(app)
