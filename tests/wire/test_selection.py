"""What a request selects: all that it says beside its images and how they travel."""

from __future__ import annotations

from typing import Any

import pytest

from app.wire.fields import WireError
from app.wire.selection import MOST_BYTES, Selection, selection


@pytest.mark.parametrize(
    ("members", "of_input", "outputs"),
    [
        ({}, {}, []),
        ({"parameters": {"binary_data_output": True}}, {"binary_data_size": 7}, []),
        ({"parameters": None, "signature_name": ""}, {}, [{"name": "y"}]),
        ({}, {}, [{"name": "y", "parameters": {"binary_data": True, "classification": 3}}]),
    ],
)
def test_nothing(
    members: dict[str, Any], of_input: dict[str, Any], outputs: list[dict[str, Any]]
) -> None:
    """How tensors travel, and what the gateway makes of scores itself, selects nothing."""
    assert selection(members, of_input, outputs) is None


def test_everything_else() -> None:
    """Everything else does, the same whatever its order, and is told by its name."""
    one = selection(
        {"signature_name": "s", "parameters": {"b": 1, "a": [2]}},
        {"content_type": "np"},
        [{"name": "y", "parameters": {"binary_data": True, "c": 3}}],
        version="7",
    )
    other = selection(
        {"parameters": {"a": [2], "b": 1, "binary_data_output": True}, "signature_name": "s"},
        {"content_type": "np"},
        [{"name": "y", "parameters": {"c": 3}}],
        version="7",
    )
    assert one is not None
    assert (one, hash(one)) == (other, hash(other))
    told = ("parameters", "signature_name", "the input's parameters", "an output's parameters")
    assert ("version", *told) == one.names
    assert Selection(label="canary") == selection({}, label="canary")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"parameters": {"sequence_id": 3}}, "'sequence_id' can't be passed on"),
        ({"parameters": {"shared_memory_region": "r"}}, "can't be passed on"),
        ({"parameters": 3}, "parameters are not an object"),
        ({"params": "x" * MOST_BYTES}, "params: more than 4096 bytes"),
        ({"params": 2**70}, "params: it can't be passed on"),
    ],
)
def test_what_cant_be_passed_on(members: dict[str, Any], said: str) -> None:
    """What ties requests together, or is too much, is refused by its name."""
    with pytest.raises(WireError, match=said):
        selection(members)
