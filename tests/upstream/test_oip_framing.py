"""The wire format, against the demo endpoint's own reading and writing of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.demo.endpoint import Inference, Served, read_request, write_answer
from app.ports import UpstreamAnswerError
from app.upstream.answers.class_names import ClassNames
from app.upstream.answers.tensors import parse_answers, reading_answers
from app.upstream.dialects.oip import parse_extensions, parse_metadata
from app.wire.fields import WireError
from app.wire.reading import HEADER_LENGTH, Tensor, read
from app.wire.tensors import DATATYPES, FLOATS, INTEGERS, TensorSpec
from app.wire.writing import Written, write

NUMERIC = sorted(FLOATS | INTEGERS)


@st.composite
def tensors(draw: st.DrawFn) -> tuple[str, np.ndarray[Any, Any]]:
    """Draw a datatype and a batch of it, of up to three dimensions after the batch's."""
    datatype = draw(st.sampled_from(NUMERIC))
    shape = draw(arrays.array_shapes(min_dims=2, max_dims=4, max_side=4))
    dtype = DATATYPES[datatype]
    # Numpy reads a list of integers around 2^63 as floats; they're refused in JSON.
    elements = (
        arrays.from_dtype(dtype, allow_nan=False, allow_infinity=False)
        if dtype.kind == "f"
        else arrays.from_dtype(dtype).filter(lambda number: number < 2**63)
    )
    return datatype, draw(arrays.arrays(dtype, shape, elements=elements))


@given(drawn=tensors(), binary=st.booleans(), named=st.booleans())
def test_requests(
    drawn: tuple[str, np.ndarray[Any, Any]],
    *,
    binary: bool,
    named: bool,
) -> None:
    """A server reads exactly the tensor, the output and the id that were asked."""
    datatype, tensor = drawn
    y, z = TensorSpec("y", "FP32", (-1, 2)), TensorSpec("z", "INT64", (-1,))
    served = Served("m", TensorSpec("x", datatype, (-1, *tensor.shape[1:])), (y, z))
    wanted: dict[str, Any] = {"parameters": {"binary_data_output": binary}}
    if named:
        wanted["outputs"] = [{"name": "y"}]

    message = write({"id": "7", **wanted}, "inputs", [Written("x", tensor, binary)])
    body, length = b"".join(message.parts), message.headers.get(HEADER_LENGTH)
    found = read_request(served, body, length)

    np.testing.assert_array_equal(found.batch, tensor)
    assert found.batch.dtype == tensor.dtype
    assert ("7", dict.fromkeys(["y"] if named else ["y", "z"], binary)) == (found.id, found.wanted)
    assert len(message) == len(b"".join(message.parts))


@given(drawn=tensors(), binary=st.booleans())
def test_outputs(
    drawn: tuple[str, np.ndarray[Any, Any]],
    *,
    binary: bool,
) -> None:
    """Every tensor that a server writes is read back as it was, JSON beside binary too."""
    datatype, tensor = drawn
    y, z = TensorSpec("y", datatype, tensor.shape), TensorSpec("z", "INT64", (3,))
    served = Served("m", TensorSpec("x", "FP32", (-1, 1)), (y, z))
    wanted = {"y": binary, "z": True}
    numbers = np.array([3, 1, 2])

    asked = Inference("7", np.zeros((1, 1), np.float32), wanted)
    body, length = write_answer(served, asked, {"y": tensor, "z": numbers})
    first, second = read(body, length).tensors("outputs")

    assert (y, z) == (first.spec, second.spec)
    np.testing.assert_array_equal(first.values(), tensor)
    np.testing.assert_array_equal(second.values(), numbers)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NEARLY_OUTPUTS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("y") | JSON,
        "datatype": st.sampled_from([*DATATYPES, "BYTES"]) | JSON,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | JSON,
        "data": st.lists(st.floats() | st.integers(-2, 300), max_size=6) | JSON,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 30) | JSON})
        | JSON,
    },
)
NEARLY_ANSWERS = st.fixed_dictionaries(
    {}, optional={"outputs": st.lists(NEARLY_OUTPUTS, max_size=3) | JSON, "model_name": JSON}
)


def outputs(body: bytes, header_length: str | None) -> tuple[Tensor, ...]:
    """Read *body* as an answer."""
    with reading_answers():
        return read(body, header_length).tensors("outputs")


def attempt(body: bytes, header_length: str | None) -> None:
    """Read *body* as the answer to two images: two answers, or UpstreamAnswerError."""
    try:
        answers = parse_answers(outputs(body, header_length), 2, ClassNames())
    except UpstreamAnswerError:
        return
    assert 2 == len(answers)


@given(st.binary(), st.none() | st.text() | st.integers(-1, 40).map(str))
def test_any_bytes(body: bytes, header_length: str | None) -> None:
    """Whatever bytes come back, nothing but UpstreamAnswerError is raised."""
    attempt(body, header_length)


@given(answer=NEARLY_ANSWERS, tail=st.binary(max_size=30), framed=st.booleans())
def test_any_json(answer: object, tail: bytes, *, framed: bool) -> None:
    """Whatever JSON comes back, nothing but UpstreamAnswerError is raised."""
    head = orjson.dumps(answer, default=str)
    attempt(head + tail, str(len(head)) if framed else None)


@given(st.binary() | JSON.map(orjson.dumps) | st.dictionaries(st.text(), JSON).map(orjson.dumps))
def test_any_metadata(body: bytes) -> None:
    """Whatever a server says of itself, nothing but UpstreamAnswerError is raised."""
    with suppress(UpstreamAnswerError):
        parse_extensions(body)
    with suppress(UpstreamAnswerError):
        parse_metadata(body, "m")


HEAD = (
    b'{"outputs":[{"name":"y","datatype":"FP32","shape":[1,2],'
    b'"parameters":{"binary_data_size":%d}}]}'
)


@pytest.mark.parametrize(
    ("size", "raw", "header_length", "reason"),
    [
        (8, 8, None, "not JSON"),
        (8, 8, "", HEADER_LENGTH),
        (8, 8, "-1", HEADER_LENGTH),
        (8, 8, "ten", HEADER_LENGTH),
        (8, 8, "²", HEADER_LENGTH),
        (8, 8, "9" * 5000, HEADER_LENGTH),
        (8, 8, "999", HEADER_LENGTH),
        (8, 8, "20", "not JSON"),
        (8, 7, "right", "8 of the 7 bytes"),
        (8, 9, "right", "1 bytes that belong to no output"),
        (4, 4, "right", "4 bytes came in the shape"),
        (12, 12, "right", "12 bytes came in the shape"),
        (-8, 8, "right", "-8 of the 8 bytes"),
    ],
)
def test_lying_lengths(size: int, raw: int, header_length: str | None, reason: str) -> None:
    """Lengths that don't fit the body are an error: no value is guessed."""
    head = HEAD % size
    length = str(len(head)) if header_length == "right" else header_length
    with pytest.raises(WireError, match=reason):
        [tensor.values() for tensor in read(head + bytes(raw), length).tensors("outputs")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>oops</html>", "not JSON; it begins with: '<html>oops</html>'"),
        (b"", "not JSON"),
        (b"[]", "not an object"),
        (b'{"outputs": {}, "x": NaN}', "not JSON"),
        (b'{"outputs": "y"}', "no list of objects under 'outputs'"),
        (b'{"outputs": [{"datatype": "FP32", "shape": [1]}]}', "no string under 'name'"),
        (b'{"outputs": [{"name": "y", "datatype": "FP32", "shape": [1.0]}]}', "integers"),
        (b'{"outputs": [{"name": "y", "datatype": "FP32", "shape": [1]}]}', "no data"),
        (
            b'{"outputs": [{"name": "y", "datatype": "FP32", "shape": [1], "parameters": 1}]}',
            "not an o",
        ),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_no_message(body: bytes, reason: str) -> None:
    """What isn't a message of the protocol is an error that says what came instead."""
    with pytest.raises(WireError, match=reason):
        read(body, None).tensors("outputs")


def test_null_is_as_if_missing() -> None:
    """KServe sends nulls for what it doesn't have: they count as missing."""
    body = (
        b'{"model_name":null,"error":null,"parameters":null,"outputs":[{"name":"y",'
        b'"datatype":"INT64","shape":[2],"parameters":null,"data":[1,2]}]}'
    )
    assert [1, 2] == parse_answers(outputs(body, None), 2, ClassNames()).labels.tolist()


@pytest.mark.parametrize(
    ("extensions", "binary"),
    [
        (["model_repository", "binary_tensor_data"], True),
        (["x"], False),
        ([], False),
        (None, False),
    ],
)
def test_extensions(extensions: object, *, binary: bool) -> None:
    """Binary tensors are spoken with a server that says so, and with no other."""
    found = parse_extensions(orjson.dumps({"name": "s", "extensions": extensions}))
    assert binary is ("binary_tensor_data" in found)


@pytest.mark.parametrize("fields", [{}, {"inputs": [], "outputs": []}, {"inputs": None}])
def test_empty_metadata(fields: object) -> None:
    """A server may know nothing of its model's tensors."""
    metadata = parse_metadata(orjson.dumps(fields), "m")
    assert ((), ()) == (metadata.inputs, metadata.outputs)
