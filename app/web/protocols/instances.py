"""/v1: `instances` and `predictions`, as KServe's and TensorFlow Serving's clients speak it."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request, Response

from app.web.direct import DirectRoute
from app.web.guarding.keys import caller
from app.web.intake.contents import content
from app.web.intake.large_json import read_apart
from app.web.intake.model_names import check_model
from app.web.intake.pixels import pictures
from app.web.intake.uploads import PICTURE
from app.web.protocols.drop_in import ANSWERED, NOT_READY, READY, TOLD, errors, json_answer
from app.web.protocols.judging import flags, judged, rows
from app.web.service import readiness
from app.wire import nested
from app.wire.fields import WireError, json_object
from app.wire.lists import array_of
from app.wire.selection import selection
from app.wire.structure import check_structure
from app.wire.tensors import UNTYPED, TensorSpec
from app.wire.writing import JSON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.gateway.predict import Gateway
    from app.web.service import Service
    from app.wire.selection import Selection

router = APIRouter(
    prefix="/v1",
    tags=["instances and predictions"],
    route_class=DirectRoute,
    default_response_class=Response,
)
health = APIRouter(
    prefix="/v1", tags=["instances and predictions"], default_response_class=Response
)

PREDICTIONS = "predictions"

_WANTED = 'the instances must be numbers in one shape, or all {"b64": "<base64 of a picture>"}'

_PREDICT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["instances"],
                    "properties": {
                        "instances": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": ["array", "number", "object"]},
                        }
                    },
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
async def ready(request: Request, model: str) -> Response:
    """Return whether images for the model can be screened now."""
    service: Service = request.app.state.service
    check_model(model, service.model_name)
    is_ready = (await readiness(request)).ready
    return json_answer({"name": model, "ready": is_ready}, 200 if is_ready else NOT_READY)


@router.post(
    "/models/{model}:predict",
    summary="Classify a batch of images",
    responses=ANSWERED,
    openapi_extra=_PREDICT,
)
async def predict(request: Request, model: str) -> Response:
    """Return the model's predictions, corrected for the images that carry a trigger."""
    service: Service = request.app.state.service
    gateway: Gateway = request.app.state.gateway
    check_model(model, service.model_name)
    body = await content(request, service.max_body)
    images, selected = await read_apart(body, _read)
    if isinstance(images, list):
        arrivals = await pictures(images, gateway, service.pictures)
    else:
        spec = TensorSpec("", UNTYPED, images.shape)
        arrivals = await gateway.model.arrivals(spec, images)
    pay = gateway.account(caller(request))
    outcomes = await judged(arrivals, gateway, pay, selected)
    return json_answer({PREDICTIONS: _predictions(rows(outcomes))}, headers=flags(outcomes))


def _read(body: bytes) -> tuple[list[bytes] | NDArray[Any], Selection | None]:
    """Return the instances, and what else a request says. Raises WireError."""
    numbers = nested.instances(body)
    if numbers is not None:
        return numbers, None
    check_structure(body)
    members = dict(json_object(body))
    return _images(members.pop("instances", None)), selection(members)


def _images(instances: object) -> list[bytes] | NDArray[Any]:
    """Return the *instances*: picture files, or numbers. Raises WireError."""
    if not isinstance(instances, list) or not instances:
        message = 'the JSON must be {"instances": [...]}, with an image or more'
        raise WireError(message)
    files = [_file(instance) for instance in instances]
    if None not in files:
        return [file for file in files if file is not None]
    try:
        values = array_of(instances)
    except WireError as exc:
        message = f"{_WANTED}: {exc}"
        raise WireError(message) from exc
    if values.dtype.kind not in "iuf":
        raise WireError(_WANTED)
    return values


def _file(instance: object) -> bytes | None:
    """Return the picture file in *instance*: `{"b64": …}`, also alone under the input's name."""
    while isinstance(instance, dict) and len(instance) == 1 and "b64" not in instance:
        (instance,) = instance.values()
    if not isinstance(instance, dict) or not isinstance(instance.get("b64"), str):
        return None
    try:
        return base64.b64decode(instance["b64"], validate=True)
    except (binascii.Error, ValueError) as exc:
        message = "an instance's b64 is not base64"
        raise WireError(message) from exc


def _predictions(outputs: dict[str, NDArray[Any]]) -> object:
    """Return one prediction an image: of one output its values, of several an object of them."""
    if len(outputs) == 1:
        (values,) = outputs.values()
        return _values(values)
    columns = {name: _values(values) for name, values in outputs.items()}
    count = len(next(iter(outputs.values()), ()))
    return [{name: values[i] for name, values in columns.items()} for i in range(count)]


def _values(values: NDArray[Any]) -> Any:  # noqa: ANN401  # an array, or a list of JSON values
    if values.dtype.kind != "O":
        return np.ascontiguousarray(values)
    return [one.decode(errors="replace") if isinstance(one, bytes) else one for one in values]
