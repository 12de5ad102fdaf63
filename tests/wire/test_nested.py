"""Nested numbers out of JSON: as the usual way would read them, or not at all."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.wire.nested import numbers

SHAPES = arrays.array_shapes(min_dims=1, max_dims=5, max_side=4)
NUMBERS: st.SearchStrategy[np.ndarray[Any, Any]] = st.one_of(
    arrays.arrays(np.int64, SHAPES),
    arrays.arrays(np.uint8, SHAPES),
    arrays.arrays(np.float64, SHAPES, elements=st.floats(allow_nan=False, allow_infinity=False)),
)


@given(values=NUMBERS, spaced=st.booleans())
def test_numbers(values: np.ndarray[Any, Any], *, spaced: bool) -> None:
    """Numbers of any shape are read as they were written, with blanks or without."""
    option = orjson.OPT_SERIALIZE_NUMPY | (orjson.OPT_INDENT_2 if spaced else 0)
    read = numbers(orjson.dumps({"instances": values}, option=option))
    assert read is not None
    np.testing.assert_array_equal(np.asarray(orjson.loads(orjson.dumps(values.tolist()))), read)
    assert values.shape == read.shape


@pytest.mark.parametrize("last", [7, 0.5, -1e300])
def test_many_numbers(last: float) -> None:
    """Numbers that are read piece by piece are the same, of one type, in their order."""
    values = [*range(100_000), last, *range(3)]
    read = numbers(orjson.dumps({"instances": values}))
    assert read is not None
    assert np.asarray(values).dtype == read.dtype
    np.testing.assert_array_equal(np.asarray(values), read)
    for wrong in (b"1,,2", b"1,", b"1 2"):
        many = b",".join([b"12345"] * 40_000)
        assert numbers(b'{"instances": [%b,%b]}' % (many, wrong)) is None


@pytest.mark.parametrize("item", [b"1", b"[1]", b"[]", b"[[1,2],[3,4]]"])
def test_memory(item: bytes) -> None:
    """Many numbers or lists in one list take the memory of their bytes and of the array."""
    body = b'{"instances": [%b]}' % b",".join([item] * 200_000)
    tracemalloc.start()
    try:
        numbers(body)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(body) + 4_000_000
    finally:
        tracemalloc.stop()


NESTED = st.recursive(
    st.integers(-9, 9) | st.floats(-9, 9), lambda inner: st.lists(inner, max_size=3), max_leaves=12
)


@given(st.lists(NESTED, max_size=4))
def test_lists(value: list[Any]) -> None:
    """Whatever the lists are like, they are read as the usual way would, or not at all."""
    read = numbers(orjson.dumps({"instances": value}))
    if read is not None:
        np.testing.assert_array_equal(np.asarray(value), read)
        assert np.asarray(value).shape == read.shape


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"instances": []}',
        b'{"instances": 3}',
        b'{"instances": [[1, 2], [3]]}',
        b'{"instances": [[1, 2], 3]}',
        b'{"instances": [[1], [[2]]]}',
        b'{"instances": [[[1], [2]], [[3]], [4, 5]]}',
        b'{"instances": [[[1]], [1]]}',
        b'{"instances": [[[1, 2]], [1, 2]]}',
        b'{"instances": [[1], [[1]]]}',
        b'{"instances": [1, 2]',
        b'{"instances": [1, 2]]}',
        b'{"instances": [1,, 2]}',
        b'{"instances": [[0[], 0]]}',
        b'{"instances": [[1,2]3]}',
        b'{"instances": [[1],[2]3]}',
        b'{"instances": [1[2]]}',
        b'{"instances": [1 2]}',
        b'{"instances": [1, 2,]}',
        b'{"instances": [1e, 2]}',
        b'{"instances": [NaN]}',
        b'{"instances": [true]}',
        b'{"instances": ["1"]}',
        b'{"instances": [1], "signature_name": "x"}',
        b'{"instances": [{"b64": "AA=="}]}',
        b'{"instances": ' + b"[" * 50_000 + b"1" + b"]" * 50_000 + b"}",
    ],
)
def test_anything_else(body: bytes) -> None:
    """What isn't just numbers in regular lists is left to the usual way."""
    assert numbers(body) is None
