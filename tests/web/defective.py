"""The application with defects: `uvicorn tests.web.defective:create --factory`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from app.serving import asgi

if TYPE_CHECKING:
    from fastapi import FastAPI


def create() -> FastAPI:
    """Return it: GET /raise fails, GET /leave starts a task that does and that nobody waits for."""
    app = asgi.create()

    async def fail() -> None:
        raise RuntimeError(os.environ["DEFECT"])

    async def leave() -> str:
        await asyncio.wait([asyncio.create_task(fail())])
        return "left"

    app.add_api_route("/raise", fail)
    app.add_api_route("/leave", leave)
    return app
