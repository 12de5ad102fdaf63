"""Whatever the bytes of a message: values in the shape that they have, or a WireError."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.web.protocols.oip_messages import read_infer
from app.wire import nested
from app.wire.bf16 import BF16, STORED
from app.wire.fields import WireError, json_object
from app.wire.lists import array_of
from app.wire.reading import HEADER_LENGTH, read
from app.wire.tensors import BYTES, DATATYPES
from app.wire.writing import Written, write
from tests.fuzz.damage import damaged

NUMBERS = st.sampled_from((-(2**63), -1, 0, 1, 2, 3, 4, 2**31, 2**32, 2**62, 2**63 - 1, 2**64 - 1))
SCALARS = NUMBERS | st.none() | st.booleans() | st.floats() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
SHAPES = st.lists(st.integers(0, 4) | NUMBERS, max_size=4)
STORED_AS = {**DATATYPES, BF16: STORED}
DATATYPE = st.sampled_from((*STORED_AS, BYTES, "BF32", ""))
ANY_ARRAY = arrays.array_shapes(min_dims=1, max_dims=4, max_side=4).flatmap(
    lambda shape: st.sampled_from(list(DATATYPES.values())).flatmap(
        lambda dtype: arrays.arrays(dtype, shape)
    )
)


def check(body: bytes, header_length: str | None) -> None:
    """Check that all tensors have the values that they announce, or none has any."""
    try:
        for tensor in read(body, header_length).tensors("inputs"):
            values = tensor.values()
            assert tensor.spec.shape == values.shape
            assert values.dtype == STORED_AS.get(tensor.spec.datatype, np.dtype(object))
        read_infer(body, header_length).files()
    except WireError as error:
        assert len(str(error)) < 1000  # noqa: PT017  # either outcome will do


@st.composite
def told(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a tensor's description, in which anything may be wrong."""
    tensor: dict[str, Any] = {
        "name": "x",
        "datatype": draw(DATATYPE),
        "shape": draw(SHAPES),
    }
    if draw(st.booleans()):
        size = draw(st.integers(0, 20) | NUMBERS | SCALARS)
        tensor["parameters"] = {"binary_data_size": size}
    else:
        tensor["data"] = draw(st.lists(st.integers(0, 5) | st.text(max_size=3)) | VALUES)
    for name in draw(st.lists(st.sampled_from(("name", "datatype", "shape", "parameters")))):
        tensor[name] = draw(VALUES)
    return tensor


@settings(deadline=None)
@given(
    st.lists(told(), max_size=3),
    st.binary(max_size=24),
    st.integers(-2, 2),
    st.dictionaries(st.sampled_from(("id", "outputs", "parameters")), VALUES),
)
def test_descriptions_that_lie(
    tensors: list[dict[str, Any]], tail: bytes, off: int, others: dict[str, Any]
) -> None:
    """Names, types, shapes and values that don't fit together raise nothing but WireError."""
    body = json.dumps({"inputs": tensors, **others}).encode()
    check(body + tail, str(len(body) + off))
    check(body, None)


@settings(deadline=None)
@given(ANY_ARRAY, st.booleans(), st.data())
def test_damaged_messages(values: np.ndarray[Any, Any], binary: bool, data: st.DataObject) -> None:  # noqa: FBT001
    """A message with a few bytes changed raises nothing but WireError."""
    message = write({"id": "1"}, "inputs", [Written("x", values, binary)])
    body = data.draw(damaged(st.just(b"".join(message.parts))))
    check(body, message.headers.get(HEADER_LENGTH))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=6), max_size=5), st.data())
def test_damaged_texts(texts: list[bytes], data: st.DataObject) -> None:
    """Texts with wrong lengths raise nothing but WireError."""
    values = np.empty(len(texts), object)
    values[:] = texts
    message = write({}, "inputs", [Written("x", values, binary=True)])
    body = data.draw(damaged(st.just(b"".join(message.parts))))
    check(body, message.headers.get(HEADER_LENGTH))


@settings(deadline=None)
@given(ANY_ARRAY)
def test_what_is_written_is_read(values: np.ndarray[Any, Any]) -> None:
    """Raw bytes come back bit for bit, NaN and all."""
    message = write({}, "inputs", [Written("x", values, binary=True)])
    (tensor,) = read(b"".join(message.parts), message.headers[HEADER_LENGTH]).tensors("inputs")
    assert values.tobytes() == tensor.values().tobytes()
    assert values.shape == tensor.values().shape


@settings(deadline=None)
@given(VALUES)
def test_lists(value: object) -> None:
    """Any list is an array that numpy would make of it, or a WireError."""
    if not isinstance(value, list):
        return
    try:
        found = array_of(value)
    except WireError:
        return
    assert found.dtype.kind in "iufbO"  # O: integers of more than 64 bits, which JSON has none of
    np.testing.assert_array_equal(np.asarray(value), found)
    assert math.prod(found.shape) == found.size


NESTED = st.lists(
    st.recursive(st.just(1), lambda inner: st.lists(inner, min_size=1, max_size=2), max_leaves=6),
    min_size=1,
    max_size=3,
)
INSTANCES = arrays.arrays(np.int8, arrays.array_shapes(min_dims=1, max_dims=4, max_side=3)) | (
    arrays.arrays(np.float32, arrays.array_shapes(min_dims=1, max_dims=4, max_side=3))
)


@settings(deadline=None)
@given(INSTANCES | NESTED, st.data())
def test_two_ways_of_reading_instances_agree(
    values: np.ndarray[Any, Any] | list[Any], data: st.DataObject
) -> None:
    """What the fast way takes, the usual way takes too, and finds the same in it."""
    body = orjson.dumps({"instances": values}, option=orjson.OPT_SERIALIZE_NUMPY)
    body = data.draw(damaged(st.just(body), 3))
    found = nested.numbers(body)
    if found is not None:
        usual = array_of(json_object(body)["instances"])
        np.testing.assert_array_equal(usual, found)
        assert usual.shape == found.shape
