"""GET /events."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Request, Response

from app.web.answering.event_stream import EventStream
from app.web.answering.problems import described
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them

router = APIRouter(tags=["events"], default_response_class=Response)

PLACE: Final = re.compile(r"\d{1,19}-\d{1,19}")
"""Of an event among those of all, as its `id` says it."""

_LAST: Final = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The `id` of the last event that was heard: those after it come first",
    "required": False,
    "schema": {"type": "string"},
}


@router.get(
    "/events",
    summary="What happens, as it happens",
    responses={
        200: {
            "description": "Server-sent events of all workers; it never ends by itself",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **described(503),
    },
    openapi_extra={"parameters": [_LAST]},
)
async def events(request: Request, service: TheService, gateway: TheGateway) -> Response:
    """Tell each event under its name, with its facts; a page's `EventSource` reads it."""
    last = request.headers.get("Last-Event-ID", "")
    place = last if PLACE.fullmatch(last) else None
    return EventStream(gateway.fleet, service.listeners, place)
