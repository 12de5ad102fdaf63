"""What Triton's clients ask beside the protocol: as the server says it, of our model alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from app.ports import Page
from app.web.intake.model_names import UnknownModelError
from app.web.protocols.drop_in import TOLD, errors, json_answer
from app.web.protocols.oip import check_facts
from app.wire.fields import json_value
from app.wire.writing import JSON

if TYPE_CHECKING:
    from app.gateway.predict import Gateway
    from app.web.service import Service

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"], default_response_class=Response)

_RESPONSES = {**errors(404, 502, 503, 504), **TOLD}


@router.get("/models/{model}/config", summary="The model's configuration", responses=_RESPONSES)
@router.get("/models/{model}/versions/{version}/config", include_in_schema=False)
async def configuration(request: Request, model: str) -> Response:
    """Return the model's configuration where the model server has one, as Triton does."""
    return await _page(request, model, Page.CONFIGURATION)


@router.get("/models/{model}/stats", summary="The model's statistics", responses=_RESPONSES)
@router.get("/models/{model}/versions/{version}/stats", include_in_schema=False)
async def statistics(request: Request, model: str) -> Response:
    """Return what the model server counts of the model; the gateway's probes are among it."""
    return await _page(request, model, Page.STATISTICS)


@router.get("/models/stats", include_in_schema=False)
async def all_statistics(request: Request) -> Response:
    """Return the same under Triton's path for all of its models: the gateway has the one."""
    return Response(await _body(request, Page.STATISTICS), media_type=JSON)


@router.post("/repository/index", summary="The models there are", responses=_RESPONSES)
async def index(request: Request) -> Response:
    """Return what the model server says of the model in its list of models."""
    service: Service = request.app.state.service
    found = json_value(await _body(request, Page.REPOSITORY))
    models = found if isinstance(found, list) else []
    name = service.model_name
    return json_answer([one for one in models if isinstance(one, dict) and one.get("name") == name])


async def _page(request: Request, model: str, page: Page) -> Response:
    await check_facts(request, model)
    return Response(await _body(request, page), media_type=JSON)


async def _body(request: Request, page: Page) -> bytes:
    """Return what the server says. Raises UnknownModelError where it doesn't, UpstreamError."""
    gateway: Gateway = request.app.state.gateway
    body = await gateway.model.page(page, request.path_params.get("version"))
    if body is None:
        message = f"the model server doesn't tell its {page.value.replace('_', ' ')}"
        raise UnknownModelError(message)
    return body
