"""Each request has a span, below the caller's own, if traces are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from app import tracing
from app.metrics.routes import route_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def traced(handle: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """*handle* a request (ASGI) in its span; its name and attributes are none that callers choose.

    Beside the request's id: that is fit for logs.
    """
    route = route_of(scope["path"])
    with tracing.asked(f"{scope['method']} {route}", Headers(scope=scope)) as note:
        note(**{"http.request.method": scope["method"], "http.route": route})

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = scope.get("state", {}).get("request_id")
                note(
                    **{"http.response.status_code": message["status"]},
                    **({} if told is None else {"neo.request_id": told}),
                )
            await send(message)

        await handle(scope, receive, send_noted)
