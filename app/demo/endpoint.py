"""A small model server of the Open Inference Protocol v2, for the demo, the benchmarks, the tests.

It is strict: what isn't exactly a request for its model is a 400 or a 404 with ``{"error": …}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from app.wire.tensors import DATATYPES, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from starlette.requests import Request

Arrays: TypeAlias = "Mapping[str, NDArray[Any]]"
Predict: TypeAlias = Callable[["NDArray[Any]"], Arrays]
"""From a batch (n, *shape) to every output by its name, each (n, …). It runs in a thread."""

HEADER_LENGTH = "Inference-Header-Content-Length"


class BadRequestError(Exception):
    """The request isn't one for this model."""


class UnknownModelError(Exception):
    """There is no model of this name."""


@dataclass(frozen=True)
class Served:
    """The model as its metadata tell it."""

    name: str
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, eq=False)
class Inference:
    """An infer request: its batch, and the outputs it wants by name, True for those in binary."""

    id: str | None
    batch: NDArray[Any]
    wanted: Mapping[str, bool]


@dataclass
class Stats:
    """What was asked since the start or the last reset: images and infer requests answered.

    ``rounds`` are the times that one came while none was under way: who asks several at once waits
    for one round trip.
    """

    inferences: int = 0
    requests: int = 0
    rounds: int = 0


def create_endpoint(  # noqa: PLR0913  # by name, what the endpoint tells of its model
    name: str,
    predict: Predict,
    *,
    shape: Sequence[int],
    outputs: Sequence[TensorSpec],
    datatype: str = "FP32",
    binary: bool = True,
) -> Starlette:
    """Serve *predict* as the model *name*, for images of *shape* (without the batch's dimension).

    ``GET /stats`` counts the images and the requests that were answered, and the rounds in which
    they came; ``POST /stats/reset``.
    """
    served = Served(name, TensorSpec("input", datatype, (-1, *shape)), tuple(outputs))
    stats = Stats()
    under_way = 0

    async def server(_: Request) -> Response:
        extensions = ["binary_tensor_data"] if binary else []
        return _json({"name": "neo-demo", "version": "1", "extensions": extensions})

    async def live(_: Request) -> Response:
        return _json({"live": True})

    async def ready(_: Request) -> Response:
        return _json({"ready": True})

    async def metadata(request: Request) -> Response:
        _check_model(request, served)
        described = {"inputs": [served.input], "outputs": served.outputs}
        return _json({"name": name, "versions": ["1"], "platform": "neo-demo", **described})

    async def model_ready(request: Request) -> Response:
        _check_model(request, served)
        return _json({"name": name, "ready": True})

    async def infer(request: Request) -> Response:
        nonlocal under_way
        _check_model(request, served)
        alone = not under_way
        under_way += 1
        try:
            length = request.headers.get(HEADER_LENGTH) if binary else None
            inference = read_request(served, await request.body(), length)
            arrays = await run_in_threadpool(predict, inference.batch)
        finally:
            under_way -= 1
        stats.requests += 1
        stats.rounds += alone
        stats.inferences += len(inference.batch)
        body, length = write_answer(served, inference, arrays)
        if length is None:
            return Response(body, media_type="application/json")
        return Response(body, 200, {HEADER_LENGTH: length}, "application/octet-stream")

    async def counts(_: Request) -> Response:
        return _json(stats)

    async def reset(_: Request) -> Response:
        stats.requests = stats.inferences = stats.rounds = 0
        return _json(stats)

    routes = [
        Route("/v2", server),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        Route("/v2/models/{model}", metadata),
        Route("/v2/models/{model}/ready", model_ready),
        Route("/v2/models/{model}/infer", infer, methods=["POST"]),
        Route("/v2/models/{model}/versions/1/infer", infer, methods=["POST"]),
        Route("/stats", counts),
        Route("/stats/reset", reset, methods=["POST"]),
    ]
    handlers = {BadRequestError: _bad_request, UnknownModelError: _unknown_model}
    return Starlette(routes=routes, exception_handlers=handlers)


def read_request(served: Served, body: bytes, header_length: str | None) -> Inference:
    """Read an infer request, JSON or (with *header_length*) binary. Raises BadRequestError."""
    head, raw = _split(body, header_length)
    try:
        fields = orjson.loads(head)
    except orjson.JSONDecodeError as exc:
        message = f"the request is not JSON: {exc}"
        raise BadRequestError(message) from exc
    match fields:
        case {"inputs": [{"name": served.input.name, "datatype": served.input.datatype} as tensor]}:
            batch = _batch(served.input, tensor, raw)
        case _:
            message = f"one input is needed: {served.input.name}, {served.input.datatype}"
            raise BadRequestError(message)
    return Inference(fields.get("id"), batch, _wanted(served, fields))


def write_answer(served: Served, inference: Inference, arrays: Arrays) -> tuple[bytes, str | None]:
    """Write the answer, and the JSON's length in it if some output is in binary."""
    described, raw = [], []
    for spec in served.outputs:
        if spec.name not in inference.wanted:
            continue
        array = np.ascontiguousarray(arrays[spec.name], DATATYPES[spec.datatype])
        fields: dict[str, Any] = {"name": spec.name, "datatype": spec.datatype}
        if inference.wanted[spec.name]:
            raw.append(array.tobytes())
            values: dict[str, Any] = {"parameters": {"binary_data_size": array.nbytes}}
        else:
            values = {"data": array.reshape(-1)}
        described.append(fields | {"shape": array.shape} | values)
    answer = {"model_name": served.name, "model_version": "1", "outputs": described}
    named = answer if inference.id is None else answer | {"id": inference.id}
    head = orjson.dumps(named, option=orjson.OPT_SERIALIZE_NUMPY)
    return head + b"".join(raw), str(len(head)) if raw else None


def _split(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    if not header_length.isdecimal() or int(header_length) > len(body):
        message = f"{HEADER_LENGTH} must be the length of the JSON in the body"
        raise BadRequestError(message)
    return body[: int(header_length)], body[int(header_length) :]


def _batch(spec: TensorSpec, tensor: Mapping[str, Any], raw: bytes) -> NDArray[Any]:
    match tensor:
        case {"shape": [int(count), *shape]} if count > 0 and tuple(shape) == spec.shape[1:]:
            pass
        case _:
            message = f"{spec.name} has an unexpected shape: {spec.shape} is needed"
            raise BadRequestError(message)
    match tensor:
        case {"parameters": {"binary_data_size": int(size)}}:
            numbers = _from_bytes(spec, raw, size)
        case {"data": list(data)} if not raw:
            numbers = _from_json(spec, data)
        case _:
            message = f"{spec.name} has no data"
            raise BadRequestError(message)
    if numbers.size != count * math.prod(shape):
        message = f"{spec.name} has {numbers.size} values, which don't fill its shape"
        raise BadRequestError(message)
    return numbers.reshape(count, *shape)


def _from_bytes(spec: TensorSpec, raw: bytes, size: int) -> NDArray[Any]:
    dtype = DATATYPES[spec.datatype]
    if size != len(raw) or size % dtype.itemsize:
        message = f"{spec.name} has {len(raw)} bytes, not {size}"
        raise BadRequestError(message)
    return np.frombuffer(raw, dtype)


def _from_json(spec: TensorSpec, data: list[Any]) -> NDArray[Any]:
    dtype = DATATYPES[spec.datatype]
    try:
        numbers = np.asarray(data)
    except ValueError as exc:
        message = f"{spec.name} is ragged"
        raise BadRequestError(message) from exc
    if numbers.dtype.kind not in ("iuf" if dtype.kind == "f" else "iu"):
        message = f"{spec.name} has data that isn't {spec.datatype}"
        raise BadRequestError(message)
    with np.errstate(over="ignore"):
        values = numbers.astype(dtype)
    if not (np.isfinite(values).all() if dtype.kind == "f" else np.array_equal(values, numbers)):
        message = f"{spec.name} has numbers that are too large for {spec.datatype}"
        raise BadRequestError(message)
    return values


def _wanted(served: Served, fields: Mapping[str, Any]) -> Mapping[str, bool]:
    names = [spec.name for spec in served.outputs]
    asked = fields.get("outputs") or [{"name": name} for name in names]
    try:
        every = (fields.get("parameters") or {}).get("binary_data_output", False)
        wanted = {
            output["name"]: bool((output.get("parameters") or {}).get("binary_data", every))
            for output in asked
        }
    except (TypeError, KeyError, AttributeError) as exc:
        message = "outputs must be objects with a name, and parameters an object"
        raise BadRequestError(message) from exc
    if unknown := wanted.keys() - set(names):
        message = f"there is no output {', '.join(map(str, unknown))}"
        raise BadRequestError(message)
    return wanted


def _check_model(request: Request, served: Served) -> None:
    if request.path_params["model"] != served.name:
        message = f"there is no model {request.path_params['model']!r}"
        raise UnknownModelError(message)


async def _bad_request(_: Request, exc: Exception) -> Response:
    return _json({"error": str(exc)}, 400)


async def _unknown_model(_: Request, exc: Exception) -> Response:
    return _json({"error": str(exc)}, 404)


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
