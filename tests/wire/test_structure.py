"""What large JSON may have in it."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from app.wire.fields import WireError
from app.wire.structure import UNCOUNTED, check_structure
from tests.files import noise


@pytest.mark.parametrize("shape", [(200, 48, 48, 1), (4, 3, 200, 200), (400_000,), (300_000, 1)])
def test_numbers_in_any_shape_are_taken(shape: tuple[int, ...]) -> None:
    """As many lists and numbers as there are, one in each innermost list also."""
    check_structure(json.dumps({"instances": np.zeros(shape, int).tolist()}).encode())


def test_ten_thousand_pictures_are_taken() -> None:
    """Each as an object in an object, with a parameter."""
    text = base64.b64encode(noise(4, 4).tobytes()).decode()
    pictures = [{"image": {"b64": text}} for _ in range(10_000)]
    body = json.dumps({"signature_name": "x", "instances": pictures}).encode()
    assert len(body) > UNCOUNTED
    check_structure(body)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (b"[]", "empty lists"),
        (b"[ \n]", "empty lists"),
        (b"[[[]]]", "empty lists"),
        (b"{}", "texts and objects"),
        (b'""', "texts and objects"),
    ],
)
def test_what_no_request_has_is_refused(item: bytes, said: str) -> None:
    """Empty lists, objects and texts by the hundred thousand; a few of them are told otherwise."""
    with pytest.raises(WireError, match=said):
        check_structure(b"[" + b",".join([item] * 200_000) + b"]")
    check_structure(b"[" + b",".join([item] * (UNCOUNTED // 8)) + b"]")
