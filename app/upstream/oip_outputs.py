"""Answers of the Open Inference Protocol v2 out of bytes: JSON, or its binary tensor extension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson

from app.ports import UpstreamAnswerError
from app.upstream.fields import excerpt, json_object, objects
from app.upstream.oip_requests import HEADER_LENGTH
from app.upstream.tensors import DATATYPES, TensorSpec, tensor_spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.upstream.fields import Fields

Payload: TypeAlias = "list[Any] | memoryview"
"""A tensor's values: JSON numbers, flat or nested, or raw little-endian bytes."""


@dataclass(frozen=True, eq=False)
class Output:
    """One tensor of an answer, whose values are read only if they are wanted."""

    spec: TensorSpec
    payload: Payload

    def values(self) -> NDArray[Any]:
        """Return the values, in the shape and the datatype (one of DATATYPES) of ``spec``.

        A JSON number too large for a float becomes infinite. Raises UpstreamAnswerError.
        """
        match self.payload:
            case memoryview() as raw:
                flat = _from_bytes(self.spec, raw)
            case numbers:
                flat = _from_json(self.spec, numbers)
        try:
            return flat.reshape(self.spec.shape)
        except (ValueError, OverflowError) as exc:
            message = f"{flat.size} values came in the shape {self.spec.shape}"
            raise _unusable(self.spec, message) from exc


def decode(body: bytes, header_length: str | None, model: str) -> tuple[Output, ...]:
    """Read all outputs of an answer of *model*. Raises UpstreamAnswerError."""
    head, tail = _split(memoryview(body), header_length)
    answer = json_object(head)
    _check_origin(answer, model)
    outputs = []
    for fields in objects(answer, "outputs"):
        output = _output(fields, tail)
        if isinstance(output.payload, memoryview):
            tail = tail[len(output.payload) :]
        outputs.append(output)
    if tail:
        message = f"the upstream's answer has {len(tail)} bytes that belong to no output"
        raise UpstreamAnswerError(message)
    return tuple(outputs)


def _split(body: memoryview, header_length: str | None) -> tuple[memoryview, memoryview]:
    if header_length is None:
        return body, body[len(body) :]
    # The length of the text is looked at first: int() of very long texts is slow, and refused.
    few_digits = header_length.isdecimal() and len(header_length) <= len(str(len(body)))
    if not few_digits or int(header_length) > len(body):
        message = f"{HEADER_LENGTH} is {header_length[:20]!r} in an answer of {len(body)} bytes"
        raise UpstreamAnswerError(message)
    return body[: int(header_length)], body[int(header_length) :]


def _check_origin(answer: Fields, model: str) -> None:
    if answer.get("error") is not None:
        words = excerpt(orjson.dumps(answer["error"]))
        message = f"the upstream's answer is an error, whatever its status: {words}"
        raise UpstreamAnswerError(message)
    if answer.get("model_name") not in (model, None):
        message = f"the upstream's answer is another model's, not that of {model!r}"
        raise UpstreamAnswerError(message)


def _output(fields: Fields, tail: memoryview) -> Output:
    spec = tensor_spec(fields)
    parameters = fields.get("parameters")
    if isinstance(parameters, dict) and parameters.get("binary_data_size") is not None:
        return Output(spec, _raw(spec, parameters["binary_data_size"], tail))
    numbers = fields.get("data")
    if not isinstance(numbers, list):
        raise _unusable(spec, "it has no data")
    return Output(spec, numbers)


def _raw(spec: TensorSpec, size: object, tail: memoryview) -> memoryview:
    if type(size) is not int or not 0 <= size <= len(tail):
        raise _unusable(spec, f"{size!r} of the {len(tail)} bytes that are left should be its own")
    return tail[:size]


def _from_bytes(spec: TensorSpec, raw: memoryview) -> NDArray[Any]:
    dtype = DATATYPES[spec.datatype]
    if len(raw) != math.prod(spec.shape) * dtype.itemsize:
        raise _unusable(spec, f"{len(raw)} bytes came in the shape {spec.shape}")
    return np.frombuffer(raw, dtype)


def _from_json(spec: TensorSpec, numbers: list[Any]) -> NDArray[Any]:
    dtype = DATATYPES[spec.datatype]
    try:
        found = np.asarray(numbers)
    except ValueError as exc:
        raise _unusable(spec, "its data is ragged") from exc
    if found.dtype.kind not in ("iuf" if dtype.kind == "f" else "iu"):
        raise _unusable(spec, "its data is of another type")
    with np.errstate(over="ignore"):
        values = found.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(values, found):
        raise _unusable(spec, "a number is too large for its type")
    return values


def _unusable(spec: TensorSpec, reason: str) -> UpstreamAnswerError:
    name = excerpt(spec.name.encode(errors="replace"))
    return UpstreamAnswerError(f"the upstream's output {name!r} ({spec.datatype[:10]}): {reason}")
