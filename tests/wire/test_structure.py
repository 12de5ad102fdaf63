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
    """Any number of lists and numbers is taken, also one number in each innermost list."""
    check_structure(json.dumps({"instances": np.zeros(shape, int).tolist()}).encode())


def test_ten_thousand_pictures_are_taken() -> None:
    """10,000 pictures, each an object in an object with a parameter, are taken."""
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
        (b"{}", "strings and objects"),
        (b'""', "strings and objects"),
    ],
)
def test_what_no_request_has_is_refused(item: bytes, said: str) -> None:
    """Empty lists, objects and strings by the hundred thousand are refused; a few are not."""
    with pytest.raises(WireError, match=said):
        check_structure(b"[" + b",".join([item] * 200_000) + b"]")
    check_structure(b"[" + b",".join([item] * (UNCOUNTED // 8)) + b"]")
