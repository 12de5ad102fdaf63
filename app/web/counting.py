"""Every answer is counted, and how long one with predictions has taken."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.metrics import REQUEST_SECONDS, REQUESTS
from app.metrics.routes import route_of, status_of

if TYPE_CHECKING:
    from starlette.types import Message, Send


def counted(path: str, send: Send) -> Send:
    """Return *send* (ASGI) that counts the answer to the request for *path* when it begins."""
    began = time.perf_counter()

    async def send_counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            route = route_of(path)
            REQUESTS.inc(route, status_of(message["status"]))
            if route in REQUEST_SECONDS:
                REQUEST_SECONDS.observe(time.perf_counter() - began, route)
        await send(message)

    return send_counted
