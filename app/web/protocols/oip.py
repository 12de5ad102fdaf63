"""/v2: the Open Inference Protocol, as the model server itself would answer it.

An application that calls such a server changes its base URL. The answers are the sanitised ones;
an output `backdoor` says which images carry a trigger.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response

from app.ports import Page
from app.web.answering.whole import Whole
from app.web.direct import DirectRoute
from app.web.intake.contents import content
from app.web.intake.heads import header
from app.web.intake.large_json import read_apart
from app.web.intake.model_names import check_model, check_version
from app.web.intake.pixels import pictures
from app.web.intake.preferences import applied
from app.web.intake.uploads import PICTURE
from app.web.protocols.drop_in import ANSWERED, FILE, NOT_READY, READY, TOLD, errors, json_answer
from app.web.protocols.judging import flags, judged, rows
from app.web.protocols.oip_messages import (
    BACKDOOR,
    MOST_OUTPUTS,
    check_outputs,
    read_infer,
    write_infer,
)
from app.web.protocols.raw_request import RAW, read_raw
from app.web.service import readiness
from app.web.visits import visits
from app.wire.reading import HEADER_LENGTH
from app.wire.tensors import DATATYPES
from app.wire.writing import BINARY, JSON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from app.gateway.predict import Gateway
    from app.ports import Arrival, ModelFacts
    from app.web.protocols.oip_messages import InferRequest
    from app.web.service import Service
    from app.wire.tensors import TensorSpec

_LENGTH: Final = HEADER_LENGTH.lower().encode()

EXTENSIONS: Final = ("binary_tensor_data", "classification")

router = APIRouter(
    prefix="/v2",
    tags=["Open Inference Protocol"],
    route_class=DirectRoute,
    default_response_class=Response,
)
health = APIRouter(prefix="/v2", tags=["Open Inference Protocol"], default_response_class=Response)


_TENSOR: dict[str, Any] = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": [*DATATYPES]},
        "shape": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 1}},
        "data": {"type": "array", "minItems": 1},
    },
}
_OUTPUT: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}},
}
_INFER: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "id": {"type": ["string", "null"]},
                        "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": _TENSOR},
                        "outputs": {
                            "type": ["array", "null"],
                            "maxItems": MOST_OUTPUTS,
                            "items": _OUTPUT,
                        },
                    },
                },
                "example": {
                    "inputs": [
                        {"name": "image", "datatype": "BYTES", "shape": [1], "data": [PICTURE]}
                    ]
                },
            },
            BINARY: FILE,
        },
    }
}


@health.get("/health/live", summary="Is the gateway alive?", responses=TOLD)
async def live() -> Response:
    """Return at once."""
    return json_answer({"live": True})


@health.get("/health/ready", summary="Can the gateway answer?", responses=READY)
async def ready(request: Request) -> Response:
    """Return whether this worker can screen images now."""
    is_ready = (await readiness(request)).ready
    return json_answer({"ready": is_ready}, 200 if is_ready else NOT_READY)


@health.get(
    "/models/{model}/ready",
    summary="Can the model be asked?",
    responses={**errors(404), **READY},
)
@health.get("/models/{model}/versions/{version}/ready", include_in_schema=False)
async def model_ready(request: Request, model: str) -> Response:
    """Return whether images for the model can be screened now."""
    service: Service = request.app.state.service
    check_model(model, service.model_name)
    version = request.path_params.get("version")
    check_version(version)
    is_ready = (await readiness(request)).ready
    if is_ready and version is not None:
        gateway: Gateway = request.app.state.gateway
        check_version(version, await gateway.model.versions(version))
    return json_answer({"name": model, "ready": is_ready}, 200 if is_ready else NOT_READY)


@router.get("", summary="What the server can", responses=TOLD)
@router.get("/", include_in_schema=False)
async def server(request: Request) -> Response:
    """Return the gateway's name and the extensions that it knows, or that the server has."""
    gateway: Gateway = request.app.state.gateway
    extensions = [*EXTENSIONS, *sorted(page.value for page in gateway.model.pages)]
    facts = {"name": "neo-gateway", "version": version("neo-gateway"), "extensions": extensions}
    return json_answer(facts)


@router.get(
    "/models/{model}",
    summary="The model's tensors",
    responses={**errors(404, 502, 503, 504), **TOLD},
)
@router.get("/models/{model}/versions/{version}", include_in_schema=False)  # `check_facts` reads it
async def metadata(request: Request, model: str) -> Response:
    """Return what the model server says of the model, and the output `backdoor` with it.

    Triton's clients hold it against the model's configuration, which hasn't that output.
    """
    gateway: Gateway = request.app.state.gateway
    await check_facts(request, model)
    version = request.path_params.get("version")
    if version is not None:
        check_version(version, await gateway.model.versions(version))
    facts = await gateway.model.described()
    flag = [{"name": BACKDOOR, "datatype": "BOOL", "shape": [-1]}]
    if Page.CONFIGURATION in gateway.model.pages:
        flag.clear()
    told = {
        "name": facts.name,
        "versions": facts.versions,
        "platform": facts.platform,
        "inputs": facts.inputs,
        "outputs": [*facts.outputs, *flag],
    }
    return json_answer(told)


@router.post(
    "/models/{model}/infer",
    summary="Classify a batch of images",
    responses=ANSWERED,
    openapi_extra=_INFER,
)
@router.post(
    "/models/{model}/versions/{version}/infer", include_in_schema=False
)  # `check_facts` reads it
async def infer(request: Request, model: str) -> Response:
    """Return the model's outputs, corrected for the images that carry a trigger."""
    service: Service = request.app.state.service
    gateway: Gateway = request.app.state.gateway
    facts = await check_facts(request, model)
    body = await content(request, service.max_body)
    header_length = header(request.scope, _LENGTH)
    version = request.path_params.get("version")
    taken = (await gateway.model.described()).inputs if header_length == RAW else None
    reading = partial(_read, header_length=header_length, version=version, taken=taken)
    asked, images = await read_apart(body, reading)
    if asked.outputs and facts.outputs:  # nothing is asked for an answer that can't be given
        check_outputs(asked, [spec.name for spec in facts.outputs])
    arrivals = await _arrivals(asked.tensor.spec, images, gateway, service)
    names = None if asked.outputs is None else {one.name for one in asked.outputs}
    asks = names is not None and BACKDOOR in names
    came = visits(request, arrivals, images, asked.selection, asks_verdict=asks)
    outcomes = await judged(came, gateway)
    flagged = [one.backdoor for one in outcomes]
    head = {"model_name": service.model_name, **_version(facts, version)}
    message = write_infer(asked, rows(outcomes, names), flagged, head, service.labels.names)
    headers = {**message.headers, **flags(outcomes), **applied(request, gateway)}
    return Whole(b"".join(message.parts), headers)


def _read(
    body: bytes,
    header_length: str | None,
    version: str | None,
    taken: Sequence[TensorSpec] | None,
) -> tuple[InferRequest, list[bytes] | NDArray[Any]]:
    """Return a request and its images: picture files, or numbers. Raises WireError.

    A raw one is what the model takes: *taken*. The lists that the numbers were in are let go of: an
    answer may take seconds.
    """
    if taken is None:
        asked = read_infer(body, header_length, version)
    else:
        asked = read_raw(body, taken, version)
    files = asked.files()
    images = asked.tensor.values() if files is None else files
    if isinstance(asked.tensor.payload, list):
        asked = replace(asked, tensor=replace(asked.tensor, payload=memoryview(b"")))
    return asked, images


async def _arrivals(
    spec: TensorSpec, images: list[bytes] | NDArray[Any], gateway: Gateway, service: Service
) -> tuple[Arrival, ...]:
    if isinstance(images, list):
        return await pictures(images, gateway, service.pictures)
    return await gateway.model.arrivals(spec, images, tolerant=gateway.monitors)


async def check_facts(request: Request, model: str) -> ModelFacts:
    """Return what is known of the model that the path names. Raises UnknownModelError."""
    service: Service = request.app.state.service
    gateway: Gateway = request.app.state.gateway
    check_model(model, service.model_name)
    facts = await gateway.model.facts()
    check_version(request.path_params.get("version"), facts.versions or None)
    return facts


def _version(facts: ModelFacts, asked: str | None) -> Mapping[str, str]:
    if asked is not None:
        return {"model_version": asked}
    return {"model_version": facts.versions[-1]} if facts.versions else {}
