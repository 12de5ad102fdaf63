"""Messages of the Open Inference Protocol v2 as bytes: JSON, or its binary tensor extension."""

from __future__ import annotations

import base64
import struct
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from app.values import value_class
from app.wire.bf16 import widened
from app.wire.reading import HEADER_LENGTH
from app.wire.tensors import BYTES, TensorSpec, datatype_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

JSON = "application/json"
BINARY = "application/octet-stream"


LENGTH_BYTES = 4
"""Before each text in raw bytes."""


def base64_bytes(count: int) -> int:
    """Return how many letters of base64 *count* bytes are."""
    return (count + 2) // 3 * 4


@value_class(frozen=True, eq=False)
class Message:
    """A body, whose ``parts`` are sent one after the other, and its headers."""

    headers: Mapping[str, str]
    parts: tuple[bytes | memoryview, ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))


@value_class(frozen=True, eq=False)
class Written:
    """A tensor to be written: ``values`` in raw bytes if ``binary``, else in JSON.

    ``parameters`` go with it. BYTES (objects: bytes, or values of JSON) are texts in JSON; files,
    which are none, go in base64 if ``base64``.
    """

    name: str
    values: NDArray[Any]
    binary: bool
    base64: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)


def write(head: Mapping[str, Any], key: str, tensors: Sequence[Written]) -> Message:
    """Write *tensors* under *key* of *head*. Arrays that are C-contiguous aren't copied."""
    described, raw = [], []
    for tensor in tensors:
        datatype = datatype_of(tensor.values)
        fields = {"name": tensor.name, "shape": tensor.values.shape, "datatype": datatype}
        if tensor.binary:
            view = _raw(tensor.values, datatype)
            raw.append(view)
            written = {"parameters": {"binary_data_size": len(view)}}
        else:
            written = _in_json(tensor, datatype)
        if tensor.parameters:
            written["parameters"] = {**tensor.parameters, **written.get("parameters", {})}
        described.append(fields | written)
    body = orjson.dumps({**head, key: described}, option=orjson.OPT_SERIALIZE_NUMPY)
    if not raw:
        return Message({"Content-Type": JSON}, (body,))
    return Message({"Content-Type": BINARY, HEADER_LENGTH: str(len(body))}, (body, *raw))


def numeric(values: NDArray[Any]) -> NDArray[Any]:
    """Return JSON values (n,) as numbers (n, ...) if they are, else *values* as they are."""
    if values.dtype.kind != "O" or any(isinstance(value, bytes) for value in values.flat):
        return values
    try:
        numbers = np.array(values.tolist())
    except ValueError:
        return values
    return numbers if numbers.dtype.kind in "if" else values


def described(name: str, values: NDArray[Any]) -> TensorSpec:
    """Describe the tensor *name* that such *values* (n, ...) of answers are written as."""
    written = numeric(values)
    return TensorSpec(name, datatype_of(written), (-1, *written.shape[1:]))


def _in_json(tensor: Written, datatype: str) -> dict[str, Any]:
    if datatype != BYTES:
        return {"data": np.ascontiguousarray(widened(tensor.values)).reshape(-1)}
    if tensor.base64:
        texts = [base64.b64encode(value).decode() for value in tensor.values.reshape(-1)]
        return {"data": texts, "parameters": {"content_type": "base64"}}
    return {"data": [_bytes(value).decode(errors="replace") for value in tensor.values.reshape(-1)]}


def _raw(values: NDArray[Any], datatype: str) -> bytes | memoryview:
    if datatype == BYTES:
        texts = [_bytes(value) for value in values.reshape(-1)]
        return b"".join(part for text in texts for part in (struct.pack("<I", len(text)), text))
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).data


def _bytes(value: object) -> bytes:
    """Return a value of BYTES: bytes as they are, a text encoded, anything else as JSON."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else orjson.dumps(value)
