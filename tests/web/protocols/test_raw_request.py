"""Raw binary requests: what they are is what the model takes."""

from __future__ import annotations

import pytest

from app.web.protocols.raw_request import read_raw
from app.wire.fields import WireError
from app.wire.tensors import TensorSpec


def test_picture_file() -> None:
    """Where the model takes files the body is one, as it is."""
    asked = read_raw(b"\xff\xd8 a picture", [TensorSpec("image", "BYTES", (-1, 1))])
    assert [b"\xff\xd8 a picture"] == asked.files()


@pytest.mark.parametrize(("datatype", "size"), [("UINT8", 1), ("BF16", 2), ("FP32", 4)])
def test_count_of_images(datatype: str, size: int) -> None:
    """The first axis is as long as the bytes reach, also where the model's own is fixed."""
    asked = read_raw(bytes(2 * 12 * size), [TensorSpec("x", datatype, (1, 2, 2, 3))])
    assert (2, 2, 2, 3) == asked.tensor.values().shape


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ([TensorSpec("x", "FP32", (-1, -1, -1, 3))], "can't tell the shape"),
        ([TensorSpec("x", "FP32", (-1, 1)), TensorSpec("y", "FP32", (-1, 1))], "2 inputs"),
    ],
)
def test_what_bytes_alone_cannot_tell(taken: list[TensorSpec], said: str) -> None:
    """Of a model of any size, or of several inputs, bytes alone are no request."""
    with pytest.raises(WireError, match=said):
        read_raw(bytes(12), taken)
