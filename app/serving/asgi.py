"""The application for an ASGI server: `uvicorn app.serving.asgi:create --factory`."""

from __future__ import annotations

import gc
import os
from functools import partial
from typing import TYPE_CHECKING, Final

from app.logs import write_log
from app.serving.log import write_service_log
from app.serving.processes.draining import lingering
from app.serving.processes.memory import give_back_freed_memory
from app.serving.processes.orphans import end_with_supervisor
from app.settings import SettingError, read_settings, told_settings
from app.web.app import WebOptions, create_app
from app.web.guarding.key_rings import key_ring
from app.wiring import open_gateway

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.settings import Settings


OBJECTS: Final = 20_000
"""That are made, and not gone yet, between two looks of the garbage collector: some megabytes."""


def create() -> FastAPI:
    """Return the gateway's application as the environment describes it.

    Raises SettingError, also without NEO_REDIS_URL: the embedded Valkey belongs to `neo-gateway
    serve`, which is above the workers.
    """
    end_with_supervisor()
    give_back_freed_memory()
    _collect_seldom()
    write_log()  # a worker begins without
    settings = read_settings()
    write_service_log(settings)
    if settings.redis_url is None:
        message = (
            "NEO_REDIS_URL is not set: the store that the workers share, "
            "e.g. NEO_REDIS_URL=redis://127.0.0.1:6379/0 (neo-gateway serve starts its own)"
        )
        raise SettingError(message)
    return create_app(
        partial(open_gateway, settings, settings.redis_url.get_secret_value(), _workers()),
        _web_options(settings),
        lingering,
    )


def _collect_seldom() -> None:
    """Have the garbage collector look seldomer, and pass over what is there by now.

    Requests leave it nothing (`tests/web/intake/test_bodies.py`): with Python's own threshold it
    takes 4 % of their time to see that.
    """
    gc.freeze()
    gc.set_threshold(OBJECTS)


def _web_options(settings: Settings) -> WebOptions:
    return WebOptions(
        model_name=settings.model,
        labels=settings.labels or None,
        max_body=settings.max_body,
        max_pixels=settings.max_pixels,
        resize=settings.input_resize,
        api_keys=key_ring("NEO_API_KEYS", settings.api_keys),
        admin_keys=key_ring("NEO_ADMIN_KEYS", settings.admin_keys),
        settings=told_settings(settings),
    )


def _workers() -> int:
    """Return how many processes serve, this one included: uvicorn's own variable tells."""
    return int(os.environ.get("WEB_CONCURRENCY", "1"))
