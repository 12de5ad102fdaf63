"""/v1: `instances` and `predictions`, as KServe's and TensorFlow Serving's clients speak it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response

from app.web.direct import DirectRoute
from app.web.intake.contents import content
from app.web.intake.large_json import read_apart
from app.web.intake.model_names import check_model, check_version
from app.web.intake.pixels import pictures
from app.web.intake.preferences import applied
from app.web.intake.uploads import PICTURE
from app.web.protocols.drop_in import ANSWERED, NOT_READY, READY, TOLD, errors, json_answer
from app.web.protocols.instances_messages import answer, check_names, read_instances
from app.web.protocols.judging import flags, judged, rows
from app.web.protocols.signatures import signatures
from app.web.service import readiness
from app.web.visits import visits
from app.wire.tensors import UNTYPED, TensorSpec
from app.wire.writing import JSON

if TYPE_CHECKING:
    from app.gateway.predict import Gateway
    from app.web.service import Service

router = APIRouter(
    prefix="/v1",
    tags=["instances and predictions"],
    route_class=DirectRoute,
    default_response_class=Response,
)
health = APIRouter(
    prefix="/v1", tags=["instances and predictions"], default_response_class=Response
)

VERTEX: Final = "/projects/{project}/locations/{location}/endpoints/{model}"

UNTOLD: Final = "1"
"""The version of a model whose server tells none: TensorFlow Serving's clients look for one."""

_IMAGES: Final = {"type": "array", "minItems": 1, "items": {"type": ["array", "number", "object"]}}
_PREDICT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["instances"],
                    "properties": {"instances": _IMAGES},
                },
                "example": {"instances": [{"b64": PICTURE}]},
            }
        },
    }
}


@router.get("/models", summary="The models", responses=TOLD)
async def models(request: Request) -> Response:
    """Return the model's name."""
    service: Service = request.app.state.service
    return json_answer({"models": [service.model_name]})


@health.get(
    "/models/{model}",
    summary="Can the model be asked?",
    responses={**errors(404), **READY},
)
@health.get("/models/{model}/versions/{version}", include_in_schema=False)
@health.get("/models/{model}/labels/{label}", include_in_schema=False)
async def ready(request: Request, model: str) -> Response:
    """Return whether images for the model can be screened now, as both kinds of servers say it."""
    gateway: Gateway = request.app.state.gateway
    version, label = _chosen(request, model)
    is_ready = (await readiness(request)).ready
    versions: tuple[str, ...] = ()
    if is_ready:
        versions = await gateway.model.versions(version, label)
        if version is None and label is None:
            versions = versions or (UNTOLD,)
        elif not versions:
            check_version(version or label, ())
    told = {
        "name": model,
        "ready": is_ready,
        "model_version_status": [_available(one) for one in versions],
    }
    return json_answer(told, 200 if is_ready else NOT_READY)


@router.get(
    "/models/{model}/metadata",
    summary="The model's tensors",
    responses={**errors(404, 502, 503, 504), **TOLD},
)
@router.get("/models/{model}/versions/{version}/metadata", include_in_schema=False)
@router.get("/models/{model}/labels/{label}/metadata", include_in_schema=False)
async def metadata(request: Request, model: str) -> Response:
    """Return the model's signature, as TensorFlow Serving tells it."""
    gateway: Gateway = request.app.state.gateway
    version, label = _chosen(request, model)
    versions = await gateway.model.versions(version, label)
    if version is not None or label is not None:
        check_version(version or label, versions if label is None else versions and (label,))
    facts = await gateway.model.described()
    return json_answer(signatures(facts, versions[0] if versions else UNTOLD))


@router.post(
    "/models/{model}:predict",
    summary="Classify a batch of images",
    responses=ANSWERED,
    openapi_extra=_PREDICT,
)
@router.post("/models/{model}/versions/{version}:predict", include_in_schema=False)
@router.post("/models/{model}/labels/{label}:predict", include_in_schema=False)
@router.post(f"{VERTEX}:predict", include_in_schema=False)
@router.post(f"{VERTEX}:rawPredict", include_in_schema=False)
async def predict(request: Request, model: str) -> Response:
    """Return the model's predictions, corrected for the images that carry a trigger."""
    service: Service = request.app.state.service
    gateway: Gateway = request.app.state.gateway
    version, label = _chosen(request, model)
    if version is not None:
        check_version(version, (await gateway.model.facts()).versions or None)
    body = await content(request, service.max_body)
    asked = await read_apart(body, partial(read_instances, version=version, label=label))
    if asked.names and asked.selection is None and (known := await gateway.model.input_names()):
        check_names(asked, known)
    if isinstance(asked.images, list):
        arrivals = await pictures(asked.images, gateway, service.pictures)
    else:
        spec = TensorSpec("", UNTYPED, asked.images.shape)
        arrivals = await gateway.model.arrivals(spec, asked.images, tolerant=gateway.monitors)
    outcomes = await judged(visits(request, arrivals, asked.images, asked.selection), gateway)
    headers = {**flags(outcomes), **applied(request, gateway)}
    return json_answer(answer(asked.key, rows(outcomes)), headers=headers)


def _chosen(request: Request, model: str) -> tuple[str | None, str | None]:
    """Return the version and the label that the path names. Raises UnknownModelError."""
    service: Service = request.app.state.service
    check_model(model, service.model_name)
    version, label = (request.path_params.get(name) for name in ("version", "label"))
    check_version(version)
    check_version(label)
    return version, label


def _available(version: str) -> dict[str, object]:
    status = {"error_code": "OK", "error_message": ""}
    return {"version": version, "state": "AVAILABLE", "status": status}
