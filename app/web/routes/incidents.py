"""GET /incidents, /incidents.jsonl and /audit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.incidents import ID, Sought
from app.web.answering.answers import json_response
from app.web.answering.incidents import (
    AuditAnswer,
    IncidentsAnswer,
    audit_answer,
    incident_answer,
    incidents_answer,
)
from app.web.answering.problems import described
from app.web.intake.parameters import ParameterError, moment, number, parameters
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from app.incidents import Incident, Incidents
    from app.web.answering.answers import Labels

router = APIRouter(tags=["incidents"], default_response_class=Response)

USUAL, MOST = 100, 1000
"""Incidents on a page, and at most."""

LINES: Final = "application/x-ndjson"

AT_ONCE: Final = 500
"""Incidents that are read from the store for a part of the lines."""


def _parameter(name: str, words: str, **more: Any) -> dict[str, Any]:
    schema = {"type": "string"} | more
    return {"name": name, "in": "query", "description": words, "required": False, "schema": schema}


_TRIGGER = _parameter("trigger", "Those with this trigger", minLength=1)
_SINCE = _parameter("since", "Those from this moment on", format="date-time")
_FILTERS = [_TRIGGER, _SINCE]
_PAGES = [
    *_FILTERS,
    _parameter("limit", "So many at most", type="integer", minimum=1, maximum=MOST, default=USUAL),
    _parameter("cursor", "Those after the page that told it", pattern=f"^{ID.pattern}$"),
]


@router.get(
    "/incidents",
    summary="Flagged images, newest first",
    responses={200: {"description": "OK", "model": IncidentsAnswer}, **described(400, 503)},
    openapi_extra={"parameters": _PAGES},
)
async def incidents(request: Request, service: TheService, gateway: TheGateway) -> Response:
    """Return a page of them; `next` is the `cursor` of the page after it."""
    sought = _sought(request)
    found = await gateway.incidents.sought(replace(sought, count=sought.count + 1))
    return json_response(incidents_answer(found, sought.count, service.labels))


@router.get(
    "/incidents.jsonl",
    summary="Flagged images, one a line",
    responses={
        200: {
            "description": "Newest first, each as in `/incidents`",
            "content": {LINES: {"schema": {"type": "string"}}},
        },
        **described(400, 503),
    },
    openapi_extra={"parameters": _FILTERS},
)
async def incident_lines(request: Request, service: TheService, gateway: TheGateway) -> Response:
    """Return all of them that the filters let through."""
    sought = replace(_sought(request, paged=False), count=AT_ONCE)
    first = await gateway.incidents.sought(sought)
    lines = _lines(first, sought, gateway.incidents, service.labels)
    return StreamingResponse(lines, media_type=LINES)


@router.get(
    "/audit",
    summary="What admins have done, newest first",
    responses={200: {"description": "OK", "model": AuditAnswer}, **described(503)},
)
async def audit(gateway: TheGateway) -> Response:
    """Return who has dismissed and restored which trigger, when, and by which request."""
    return json_response(audit_answer(await gateway.incidents.acts()))


async def _lines(
    found: Sequence[Incident], sought: Sought, incidents: Incidents, labels: Labels
) -> AsyncIterator[bytes]:
    while found:
        yield b"".join(
            orjson.dumps(incident_answer(one, labels), option=orjson.OPT_APPEND_NEWLINE)
            for one in found
        )
        if len(found) < sought.count:
            return
        found = await incidents.sought(replace(sought, before=found[-1].id))


def _sought(request: Request, *, paged: bool = True) -> Sought:
    known = [one["name"] for one in (_PAGES if paged else _FILTERS)]
    told = parameters(request.query_params, known)
    cursor, since = told.get("cursor"), told.get("since")
    if cursor is not None and not ID.fullmatch(cursor):
        message = "cursor is none that a page has told as `next`"
        raise ParameterError(message)
    return Sought(
        number("limit", told["limit"], MOST) if "limit" in told else USUAL,
        cursor,
        None if since is None else moment("since", since),
        told.get("trigger"),
    )
