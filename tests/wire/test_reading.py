"""Messages made to cost much or to be misread: a WireError each, soon and within little memory."""

from __future__ import annotations

import json
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest

from app.wire.fields import WireError
from app.wire.lists import array_of
from app.wire.reading import read

DEEP = b"[" * 100_000 + b"]" * 100_000
LARGEST = 2**63 - 1


def values(tensor: dict[str, Any], raw: bytes = b"") -> list[np.ndarray[Any, Any]]:
    """Return the values of a message with this one input, and *raw* bytes behind the JSON."""
    usual = {"name": "x", "datatype": "UINT8", "shape": [2]}
    body = json.dumps({"inputs": [usual | tensor]}).encode()
    return [one.values() for one in read(body + raw, str(len(body))).tensors("inputs")]


def sized(size: object) -> dict[str, Any]:
    """Return the part of a tensor that says how many bytes are its own."""
    return {"parameters": {"binary_data_size": size}}


def test_honest_message_is_read() -> None:
    """The message that the others here vary is read as it was meant."""
    np.testing.assert_array_equal([[7, 9]], values(sized(2), b"\x07\x09"))


@pytest.mark.parametrize("size", [-1, 3, 2**63, 2**64, 1.5, True, "2", [2], {}])
def test_size_that_lies(size: object) -> None:
    """A size that is negative, beyond the body's end, or no integer is refused."""
    with pytest.raises(WireError, match="of the 2 bytes that are left"):
        values(sized(size), b"\x07\x09")


@pytest.mark.parametrize("size", [0, 1])
def test_bytes_that_are_nobodys(size: int) -> None:
    """A smaller size leaves bytes behind, which belong to nobody: an error."""
    with pytest.raises(WireError, match=r"belong to no input|came in the shape"):
        values(sized(size), b"\x07\x09")


@pytest.mark.parametrize(
    "length",
    ["-1", "1e3", "0x10", "+5", " 5", "٣", "99999999999", "9" * 100_000, "", "5.0", "None"],
)
def test_header_length_that_lies(length: str) -> None:
    """A header that is no number, or a larger one than the body, is refused without a long look."""
    with pytest.raises(WireError, match=r"Inference-Header-Content-Length is"):
        read(b'{"inputs": []}', length)


@pytest.mark.parametrize("length", ["0", "1", "13"])
def test_header_length_that_cuts_the_json(length: str) -> None:
    """A header length that ends within the JSON is refused."""
    with pytest.raises(WireError, match="not JSON"):
        read(b'{"inputs": []}', length)


@pytest.mark.parametrize(
    "shape",
    [
        [2**32, 2**32],
        [LARGEST, LARGEST, LARGEST],
        [LARGEST, 0],
        [-2],
        [2, -1],
        [-1, -1],
        [1] * 33,
        [LARGEST] * 300_000,
        [2**64],
        [2.0],
        [True, 2],
        ["2"],
        [[2]],
        "22",
        None,
    ],
)
def test_shape_that_lies(shape: object) -> None:
    """Shapes with overflowing products, negative or countless dimensions are refused."""
    for tensor, raw in (({"data": [7, 9]}, b""), (sized(2), b"\x07\x09")):
        with pytest.raises(WireError) as caught:
            values({"shape": shape, **tensor}, raw)
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("datatype", ["BF32", "FP128", "uint8", "", "UINT8\0", "O", "U" * 100_000])
def test_datatype_that_nobody_knows(datatype: str) -> None:
    """Another datatype than the protocol's is refused, in JSON and in bytes."""
    for tensor, raw in (({"data": [7, 9]}, b""), (sized(2), b"\x07\x09")):
        with pytest.raises(WireError, match="datatype isn't known"):
            values({"datatype": datatype, **tensor}, raw)


@pytest.mark.parametrize(
    ("datatype", "raw"),
    [("FP32", b"\x07\x09"), ("UINT16", b"\x07\x09"), ("UINT8", b"\x07\x09\x01")],
)
def test_bytes_that_dont_fit_the_datatype(datatype: str, raw: bytes) -> None:
    """Bytes of two values of another size are refused."""
    with pytest.raises(WireError, match="bytes came in the shape"):
        values({"datatype": datatype, **sized(len(raw))}, raw)


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("UINT8", [256, 1]),
        ("UINT8", [-1, 1]),
        ("UINT8", [1.0, 2.0]),
        ("UINT8", [True, False]),
        ("UINT8", [True, 1]),
        ("UINT8", ["1", "2"]),
        ("UINT8", [None, 1]),
        ("UINT8", [{}, 1]),
        ("INT64", [2**63, 1]),
        ("UINT64", [-1, 2**63]),
        ("INT64", [2**70, 1]),
        ("BOOL", [0, 1]),
        ("FP32", ["NaN", "Infinity"]),
        ("BYTES", [1, 2]),
        ("BYTES", [None, "x"]),
    ],
)
def test_values_of_another_type(datatype: str, data: list[Any]) -> None:
    """Numbers that the datatype can't hold, and what is no number, are refused."""
    with pytest.raises(WireError, match=r"another type|too large for its type"):
        values({"datatype": datatype, "data": data})


@pytest.mark.parametrize(
    "number", [b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"0x10", b"01", b".5", b"+1"]
)
def test_number_that_json_doesnt_have(number: bytes) -> None:
    """No number is infinite, and none is written otherwise than in JSON."""
    body = b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [%b]}]}' % number
    with pytest.raises(WireError, match="not JSON"):
        read(body, None)


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack("<I", 2**32 - 1) + b"abcd",
        struct.pack("<I", 5) + b"abcd",
        struct.pack("<I", 2) + b"abcd",
        b"\0\0\0",
        struct.pack("<I", 4) + b"abcd",
        3 * struct.pack("<I", 0),
    ],
    ids=["gigabytes", "one more", "leaves some", "cut", "one text", "three texts"],
)
def test_texts_of_a_lying_length(raw: bytes) -> None:
    """A text longer than its tensor, half a length, and a wrong number of texts are refused."""
    with pytest.raises(WireError, match=r"longer than its bytes|values came in the shape"):
        values({"datatype": "BYTES", **sized(len(raw))}, raw)


@pytest.mark.parametrize("depth", [33, 200])
@pytest.mark.parametrize("datatype", ["UINT8", "BOOL", "FP32"])
def test_deep_lists(depth: int, datatype: str) -> None:
    """Lists deeper than any tensor are refused before numpy looks at them."""
    data: list[Any] = [1]
    for _ in range(depth):
        data = [data]
    with pytest.raises(WireError, match="more than 32 deep"):
        values({"datatype": datatype, "data": data})


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"inputs": ' + DEEP + b"}",
        b'{"id": ' + DEEP + b', "inputs": []}',
        b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": ' + DEEP + b"}]}",
        b'{"inputs": [{"parameters": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}]}",
        b"[" * 1_000_000,
    ],
)
def test_depth_of_100_000(body: bytes) -> None:
    """JSON of any depth is an error, not a crash."""
    with pytest.raises(WireError):
        read(body, None)


def test_long_text_beside_short_ones_costs_nothing() -> None:
    """An array of texts would give each text the room of the longest, here 4 GB: it isn't asked."""
    data = ["x" * 1_000_000, *("y" for _ in range(1000))]
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="another type"):
            array_of(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_second_key_of_a_name_replaces_the_first() -> None:
    """Of two keys of one name the last counts, for the gateway and for what it sends on."""
    first, last = b'"shape": [9], "data": [1]', b'"shape": [2], "data": [7, 9]'
    body = b'{"inputs": [{"name": "x", "datatype": "UINT8", %b, %b}]}' % (first, last)
    np.testing.assert_array_equal([7, 9], read(body, None).tensors("inputs")[0].values())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(struct.pack("<2f", float("nan"), float("-inf")), [float("nan"), float("-inf")])],
)
def test_bytes_may_hold_nan_and_infinity(raw: bytes, expected: list[float]) -> None:
    """Bytes can say what JSON can't; whether a model's input may be it is decided elsewhere."""
    np.testing.assert_array_equal([expected], values({"datatype": "FP32", **sized(8)}, raw))


@pytest.mark.parametrize(
    ("data", "expected"), [([], (0,)), ([[], []], (2, 0)), ([[1], [2.5]], (2, 1)), ([True], (1,))]
)
def test_lists_of_numbers_keep_their_shape(data: list[Any], expected: tuple[int, ...]) -> None:
    """Regular lists are taken, empty ones too."""
    assert expected == array_of(data).shape


@pytest.mark.parametrize("data", [[[1], 2], [1, [2]], [[1, 2], [3]], [[[1]], [[2], [3]]], [[], 1]])
def test_ragged_lists(data: list[Any]) -> None:
    """Lists of different lengths or depths are no array."""
    with pytest.raises(WireError, match="ragged"):
        array_of(data)


def test_very_many_tensors() -> None:
    """More tensors than any model has are refused before they are read."""
    body = b'{"outputs": [' + b",".join(10_000 * [b"{}"]) + b"]}"
    with pytest.raises(WireError, match="10000 outputs came; at most 1000 are read"):
        read(body, None).tensors("outputs")
