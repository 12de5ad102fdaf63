"""GET /suspects: what may be a trigger, and isn't proven to be one."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response

from app.pictures.encoding import png
from app.ports import UnknownTriggerError
from app.web.answering.answers import json_response
from app.web.answering.problems import described
from app.web.answering.suspects import SuspectsAnswer, suspects_answer
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them

router = APIRouter(prefix="/suspects", tags=["suspects"], default_response_class=Response)

_PNG: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A PNG picture",
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get(
    "",
    summary="What may be a trigger, the last seen first",
    responses={200: {"description": "OK", "model": SuspectsAnswer}, **described()},
)
async def suspects(service: TheService, gateway: TheGateway) -> Response:
    """Return what images have made likely and not proven, of all workers."""
    return json_response(suspects_answer(gateway.suspects.likely(), service.labels))


@router.get(
    "/{suspect_id}.png", summary="What it looked like", responses={**_PNG, **described(404)}
)
async def picture(suspect_id: str, gateway: TheGateway) -> Response:
    """Return the pixels of the suspect's box, of a large image shrunken."""
    noted = gateway.suspects.known().get(suspect_id)
    if noted is None:
        message = f"no suspect has the id {suspect_id}"
        raise UnknownTriggerError(message)
    return Response(png(noted.suspect.patch), media_type="image/png")
