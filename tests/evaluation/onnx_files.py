"""ONNX files for tests, written by hand: protobuf messages of a few nodes.

The numbers of the fields are those of onnx.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FLOAT, UINT8, INT64, DOUBLE = 1, 2, 7, 11
IR_VERSION, OPSET = 8, 17


@dataclass(frozen=True)
class Tensor:
    """An input or an output: a name for a dimension is any length."""

    name: str
    datatype: int
    shape: Sequence[int | str]


def mean_colour_model(
    colours: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    image: Tensor,
    *,
    axes: Sequence[int] = (1, 2),
    labels: bool = False,
) -> bytes:
    """Return a classifier by the mean over *axes*: class i is the nearest of *colours* (k, c).

    Its output is ``scores`` (n, k), or ``label`` (n,) if *labels*.
    """
    # Of |m - c|^2 = m.m - 2 m.c + c.c the first part is the same for all classes.
    weights = (2 * colours.T / 255).astype(np.float32)
    bias = (-(colours**2).sum(axis=1) / 255).astype(np.float32)
    nodes = [
        _node("Cast", [image.name], "pixels", _integer("to", FLOAT)),
        _node("ReduceMean", ["pixels"], "means", _integers("axes", axes) + _integer("keepdims", 0)),
        _node("Gemm", ["means", "weights", "bias"], "distances"),
    ]
    if labels:
        out = Tensor("label", INT64, ["n"])
        nodes.append(
            _node("ArgMax", ["distances"], out.name, _integer("axis", 1) + _integer("keepdims", 0))
        )
    else:
        out = Tensor("scores", FLOAT, ["n", len(colours)])
        nodes.append(_node("Softmax", ["distances"], out.name, _integer("axis", 1)))
    graph = (
        b"".join(_message(1, node) for node in nodes)
        + _text(2, "graph")
        + _message(5, _constant("weights", weights))
        + _message(5, _constant("bias", bias))
        + _message(11, _value(image))
        + _message(12, _value(out))
    )
    return _number(1, IR_VERSION) + _message(8, _number(2, OPSET)) + _message(7, graph)


def _node(kind: str, inputs: Iterable[str], output: str, attributes: bytes = b"") -> bytes:
    return (
        b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, kind) + attributes
    )


def _integer(name: str, value: int) -> bytes:
    return _message(5, _text(1, name) + _number(3, value) + _number(20, 2))


def _integers(name: str, values: Sequence[int]) -> bytes:
    return _message(5, _text(1, name) + b"".join(_number(8, v) for v in values) + _number(20, 7))


def _constant(name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    dims = b"".join(_number(1, dim) for dim in values.shape)
    return dims + _number(2, FLOAT) + _text(8, name) + _message(9, values.tobytes())


def _value(tensor: Tensor) -> bytes:
    dims = b"".join(
        _message(1, _number(1, dim) if isinstance(dim, int) else _text(2, dim))
        for dim in tensor.shape
    )
    described = _message(1, _number(1, tensor.datatype) + _message(2, dims))
    return _text(1, tensor.name) + _message(2, described)


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
