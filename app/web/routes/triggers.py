"""GET /trigger and everything under it."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from app.incidents import Deed
from app.pictures.drawing import trigger_picture
from app.pictures.encoding import png
from app.ports import UnknownTriggerError
from app.web.answering.answers import (
    OneTriggerAnswer,
    TriggersAnswer,
    json_response,
    one_trigger_answer,
    triggers_answer,
)
from app.web.answering.examples import archive, sheet
from app.web.answering.negotiation import prefers_png
from app.web.answering.problems import described
from app.web.intake.parameters import one_of
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them
from app.web.visits import request_facts

if TYPE_CHECKING:
    from app.ports import Entry, TriggerLibrary

router = APIRouter(prefix="/trigger", tags=["triggers"], default_response_class=Response)


STATE: Final = "state"


class Listed(enum.StrEnum):
    """Which triggers are listed."""

    ACTIVE = "active"
    DISMISSED = "dismissed"
    ALL = "all"


_STATE: Final = {
    "name": STATE,
    "in": "query",
    "description": "Which triggers are listed",
    "required": False,
    "schema": {"type": "string", "enum": [*Listed], "default": Listed.ACTIVE},
}


def _binary(media_type: str) -> dict[str, Any]:
    return {media_type: {"schema": {"type": "string", "format": "binary"}}}


_PNG: dict[int | str, dict[str, Any]] = {
    200: {"description": "A PNG picture", "content": _binary("image/png")}
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "A .zip", "content": _binary("application/zip")}
}
_ONE: dict[int | str, dict[str, Any]] = {200: {"description": "OK", "model": OneTriggerAnswer}}


@router.get(
    "",
    summary="All triggers, newest first",
    responses={
        200: {
            "description": "With `Accept: image/png` the newest trigger's picture",
            "model": TriggersAnswer,
            "content": _binary("image/png"),
        },
        **described(400, 404),
    },
    openapi_extra={"parameters": [_STATE]},
)
async def triggers(request: Request, service: TheService, gateway: TheGateway) -> Response:
    """Return what has been found so far, and the counts of all workers."""
    library = gateway.library
    told = request.query_params.get(STATE, Listed.ACTIVE)
    entries = _listed(library, one_of(STATE, told, Listed))
    vary = {"Vary": "Accept"}
    if not prefers_png(request.headers.get("Accept", "*/*")):
        found = bool(library.entries())
        answer = triggers_answer(entries, library.tally(), service.labels, found=found)
        return json_response(answer, vary)
    if not entries:
        message = "no trigger has been found yet"
        raise UnknownTriggerError(message)
    return Response(trigger_picture(entries[0].trigger), headers=vary, media_type="image/png")


def _listed(library: TriggerLibrary, which: Listed) -> tuple[Entry, ...]:
    """Return the triggers that are asked for, newest first."""
    match which:
        case Listed.ACTIVE:
            return library.entries()
        case Listed.DISMISSED:
            return library.dismissed()
        case Listed.ALL:
            both = (*library.entries(), *library.dismissed())
            return tuple(sorted(both, key=lambda entry: entry.discovered_at, reverse=True))


@router.get("/{trigger_id}.png", summary="The trigger alone", responses={**_PNG, **described(404)})
async def picture(trigger_id: str, gateway: TheGateway) -> Response:
    """Return the pixels of the trigger's box, transparent where they aren't part of it."""
    entry = gateway.library.entry(trigger_id)
    return Response(trigger_picture(entry.trigger), media_type="image/png")


@router.get("/{trigger_id}", summary="One trigger", responses={**_ONE, **described(404)})
async def trigger(trigger_id: str, service: TheService, gateway: TheGateway) -> Response:
    """Return one trigger, dismissed or not."""
    return json_response(one_trigger_answer(gateway.library.entry(trigger_id), service.labels))


@router.get(
    "/{trigger_id}/overlay.png",
    summary="The trigger in its place on a clean image",
    responses={**_PNG, **described(404, 503)},
)
async def overlay(trigger_id: str, gateway: TheGateway) -> Response:
    """Return a reference image with the trigger on it, at the size that the model takes."""
    stamped = gateway.overlay(gateway.library.entry(trigger_id))
    return Response(png(stamped), media_type="image/png")


@router.get(
    "/{trigger_id}/examples.png",
    summary="Images before and after stamping",
    responses={**_PNG, **described(404, 502, 503, 504)},
)
async def examples_picture(trigger_id: str, service: TheService, gateway: TheGateway) -> Response:
    """Return reference images before and after the trigger, with what the model says of each."""
    examples = await gateway.examples(gateway.library.entry(trigger_id))
    drawn = await to_thread.run_sync(sheet, examples, service.labels)
    return Response(drawn, media_type="image/png")


@router.get(
    "/{trigger_id}/examples.zip",
    summary="The same images as files",
    responses={**_ZIP, **described(404, 502, 503, 504)},
)
async def examples_archive(trigger_id: str, service: TheService, gateway: TheGateway) -> Response:
    """Return the images as PNG files in clean/ and stamped/, and answers.json."""
    entry = gateway.library.entry(trigger_id)
    packed = await to_thread.run_sync(archive, await gateway.examples(entry), service.labels)
    name = {"Content-Disposition": f'attachment; filename="{entry.id}-examples.zip"'}
    return Response(packed, headers=name, media_type="application/zip")


@router.delete(
    "/{trigger_id}", summary="Dismiss a trigger", responses={**_ONE, **described(404, 503)}
)
async def dismiss(
    request: Request, trigger_id: str, service: TheService, gateway: TheGateway
) -> Response:
    """Stop using a trigger, on all workers, until it is restored; it isn't found again."""
    entry = await gateway.deeds.do(Deed.DISMISS, trigger_id, request_facts(request))
    return json_response(one_trigger_answer(entry, service.labels))


@router.post(
    "/{trigger_id}/restore",
    summary="Use a dismissed trigger again",
    responses={**_ONE, **described(404, 503)},
)
async def restore(
    request: Request, trigger_id: str, service: TheService, gateway: TheGateway
) -> Response:
    """Use a dismissed trigger again, on all workers."""
    entry = await gateway.deeds.do(Deed.RESTORE, trigger_id, request_facts(request))
    return json_response(one_trigger_answer(entry, service.labels))
