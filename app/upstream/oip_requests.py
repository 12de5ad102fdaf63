"""Requests of the Open Inference Protocol v2 as bytes: JSON, or its binary tensor extension.

The extension puts the tensor's raw little-endian bytes behind the JSON, whose length is then in a
header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

HEADER_LENGTH: Final = "Inference-Header-Content-Length"


@dataclass(frozen=True, eq=False)
class Message:
    """A request's body, whose ``parts`` are sent one after the other, and its headers."""

    headers: Mapping[str, str]
    parts: tuple[bytes | memoryview, ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)


@dataclass(frozen=True)
class Wanted:
    """What is asked: the input's name and datatype, and the output that is wanted, None for all.

    Each request has its own ``id``: KServe fails on requests without one (500).
    """

    input: str
    datatype: str
    output: str | None
    id: str


def encode_json(wanted: Wanted, tensor: NDArray[Any]) -> Message:
    """Write the request for *tensor* (n, ...) as JSON, with its values as one flat list."""
    head = {
        "id": wanted.id,
        "inputs": [_input(wanted, tensor) | {"data": tensor.reshape(-1)}],
    }
    if wanted.output is not None:
        head["outputs"] = [{"name": wanted.output}]
    body = orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY)
    return Message({"Content-Type": "application/json"}, (body,))


def encode_binary(wanted: Wanted, tensor: NDArray[Any]) -> Message:
    """Write the request for *tensor* (n, ...), C-contiguous, which isn't copied."""
    raw = tensor.reshape(-1).view(np.uint8).data
    parameters = {"parameters": {"binary_data_size": len(raw)}}
    head = {
        "id": wanted.id,
        "inputs": [_input(wanted, tensor) | parameters],
        **_binary_output(wanted.output),
    }
    body = orjson.dumps(head)
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(body))}
    return Message(headers, (body, raw))


def _input(wanted: Wanted, tensor: NDArray[Any]) -> dict[str, Any]:
    return {"name": wanted.input, "shape": tensor.shape, "datatype": wanted.datatype}


def _binary_output(output: str | None) -> dict[str, Any]:
    if output is None:
        return {"parameters": {"binary_data_output": True}}
    return {"outputs": [{"name": output, "parameters": {"binary_data": True}}]}
