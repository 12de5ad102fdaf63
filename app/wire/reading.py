"""Messages of the Open Inference Protocol v2 out of bytes: JSON, or its binary tensor extension.

The extension puts the tensors' raw little-endian bytes behind the JSON, whose length is then in a
header.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from app.values import value_class
from app.wire.bf16 import BF16, STORED, narrowed
from app.wire.fields import WireError, excerpt, json_object, objects, parameters
from app.wire.lists import array_of
from app.wire.tensors import BYTES, DATATYPES, MOST_TENSORS, TensorSpec, tensor_spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.wire.fields import Fields

HEADER_LENGTH: Final = "Inference-Header-Content-Length"

Payload: TypeAlias = "list[Any] | memoryview"
"""A tensor's values: a JSON list, flat or nested, or raw little-endian bytes."""

_LENGTH = struct.Struct("<I")
_WIDE = DATATYPES["FP32"]
"""What BF16 is read as in JSON."""


@value_class(frozen=True, eq=False)
class Tensor:
    """One tensor of a message, whose values are read only if they are wanted."""

    spec: TensorSpec
    payload: Payload
    parameters: Fields

    def values(self) -> NDArray[Any]:
        """Return the values, in the shape and the datatype of ``spec``; of BYTES an object each.

        A JSON number too large for a float becomes infinite. Raises WireError.
        """
        if self.spec.datatype not in {BYTES, BF16, *DATATYPES}:
            raise _unusable(self.spec, "its datatype isn't known")
        if min(self.spec.shape, default=0) < 0:
            raise _unusable(self.spec, f"values came in the shape {self.spec.shape}")
        texts = self.spec.datatype == BYTES
        if isinstance(self.payload, memoryview):
            flat = (_texts_from_bytes if texts else _from_bytes)(self.spec, self.payload)
        else:
            flat = (_texts_from_json if texts else _from_json)(self.spec, self.payload)
        try:
            return flat.reshape(self.spec.shape)
        except (ValueError, OverflowError) as exc:
            message = f"{flat.size} values came in the shape {self.spec.shape}"
            raise _unusable(self.spec, message) from exc


@value_class(frozen=True, eq=False)
class Received:
    """A message: its JSON, and the raw bytes behind it."""

    fields: Fields
    tail: memoryview

    def tensors(self, key: str) -> tuple[Tensor, ...]:
        """Read all tensors under *key* (inputs, outputs). Raises WireError."""
        tail, found = self.tail, []
        described = objects(self.fields, key)
        if len(described) > MOST_TENSORS:
            message = f"{len(described)} {key} came; at most {MOST_TENSORS} are read"
            raise WireError(message)
        for fields in described:
            tensor = _tensor(fields, tail)
            if isinstance(tensor.payload, memoryview):
                tail = tail[len(tensor.payload) :]
            found.append(tensor)
        if tail:
            message = f"it has {len(tail)} bytes that belong to no {key.removesuffix('s')}"
            raise WireError(message)
        return tuple(found)


def read(body: bytes | memoryview, header_length: str | None) -> Received:
    """Read the JSON of a message, *header_length* as in the header. Raises WireError."""
    head, tail = parted(body, header_length)
    return Received(json_object(head), tail)


def parted(body: bytes | memoryview, header_length: str | None) -> tuple[memoryview, memoryview]:
    """Return the JSON of a message, and what is behind it. Raises WireError."""
    view = memoryview(body)
    length = len(view) if header_length is None else _json_length(view, header_length)
    return view[:length], view[length:]


def _json_length(view: memoryview, header_length: str) -> int:
    # The length of the text is looked at first: int() of very long texts is slow, and refused.
    few_digits = (
        header_length.isascii()
        and header_length.isdecimal()
        and len(header_length) <= len(str(len(view)))
    )
    if not few_digits or int(header_length) > len(view):
        shown = repr(header_length[:20])
        message = f"{HEADER_LENGTH} is {shown} in a body of {len(view)} bytes"
        raise WireError(message, shown)
    return int(header_length)


def _tensor(fields: Fields, tail: memoryview) -> Tensor:
    spec = tensor_spec(fields)
    told = parameters(fields)
    if told.get("binary_data_size") is not None:
        return Tensor(spec, _raw(spec, told["binary_data_size"], tail), told)
    values = fields.get("data")
    if not isinstance(values, list):
        raise _unusable(spec, "it has no data")
    return Tensor(spec, values, told)


def _raw(spec: TensorSpec, size: object, tail: memoryview) -> memoryview:
    if type(size) is not int or not 0 <= size <= len(tail):
        shown = excerpt(repr(size).encode(errors="replace"))
        message = f"{shown} of the {len(tail)} bytes that are left should be its own"
        raise _unusable(spec, message, shown)
    return tail[:size]


def _from_bytes(spec: TensorSpec, raw: memoryview) -> NDArray[Any]:
    dtype = DATATYPES.get(spec.datatype, STORED)
    if len(raw) != math.prod(spec.shape) * dtype.itemsize:
        raise _unusable(spec, f"{len(raw)} bytes came in the shape {spec.shape}")
    if dtype.kind == "b":  # any other byte than 0 and 1 is no bool to numpy
        return np.frombuffer(raw, np.uint8).astype(bool)
    return np.frombuffer(raw, dtype)


def _from_json(spec: TensorSpec, numbers: list[Any]) -> NDArray[Any]:
    dtype = DATATYPES.get(spec.datatype, _WIDE)
    try:
        found = array_of(numbers)
    except WireError as exc:
        raise _unusable(spec, str(exc)) from exc
    if not found.size:
        found = np.zeros(0, dtype)
    if found.dtype.kind not in {"f": "iuf", "b": "b"}.get(dtype.kind, "iu"):
        raise _unusable(spec, "its data is of another type")
    with np.errstate(over="ignore"):
        values = found.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(values, found):
        raise _unusable(spec, "a number is too large for its type")
    return narrowed(values) if spec.datatype == BF16 else values


def _texts_from_bytes(spec: TensorSpec, raw: memoryview) -> NDArray[Any]:
    """Read texts, each behind its length in four bytes."""
    texts: list[bytes] = []
    start, expected = 0, math.prod(spec.shape)
    while start < len(raw):
        begin = start + _LENGTH.size
        length = _LENGTH.unpack_from(raw, start)[0] if begin <= len(raw) else len(raw)
        if length > len(raw) - begin:
            raise _unusable(spec, "a text of it is longer than its bytes")
        if len(texts) == expected:
            raise _unusable(spec, f"more than {expected} values came in the shape {spec.shape}")
        texts.append(bytes(raw[begin : begin + length]))
        start = begin + length
    return _objects(texts)


def _texts_from_json(spec: TensorSpec, values: list[Any]) -> NDArray[Any]:
    flat: list[bytes] = []
    waiting = [iter(values)]
    while waiting:  # lists in lists, as deep as JSON may be
        for value in waiting[-1]:
            if isinstance(value, str):
                flat.append(value.encode(errors="surrogatepass"))
            elif isinstance(value, list):
                waiting.append(iter(value))
                break
            else:
                raise _unusable(spec, "its data is of another type")
        else:
            waiting.pop()
    return _objects(flat)


def _objects(values: list[bytes]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _unusable(spec: TensorSpec, reason: str, *quoted: str) -> WireError:
    shown = f"{excerpt(spec.name.encode(errors='replace'))!r} ({spec.datatype[:10]})"
    return WireError(f"{shown}: {reason}", shown, *quoted)
