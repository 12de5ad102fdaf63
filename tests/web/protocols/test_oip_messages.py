"""What an infer request of /v2 asks for, and which ones are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import pytest_asyncio

from app.wire.reading import HEADER_LENGTH, read
from tests.tiny import SIDE
from tests.web.drop_in import CLEAN, POISONED, Placed, placed, predict
from tests.web.protocols.oip_client import INFER, asked, infer, tensors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place() -> AsyncIterator[Placed]:
    """Run one model and one gateway for all these tests."""
    async with placed() as running:
        yield running


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ([{"name": "label"}], ["label"]),
        ([{"name": "label"}, {"name": "scores"}], ["label", "scores"]),
        ([{"name": "backdoor"}], ["backdoor"]),
        ([], ["scores", "label", "backdoor"]),
    ],
)
async def test_outputs_are_those_that_were_asked(
    place: Placed, wanted: list[dict[str, Any]], names: list[str]
) -> None:
    """Outputs that are named come, in their order, and no other; the header always does."""
    response = await infer(place.gateway, asked(POISONED[:1], outputs=wanted))
    assert names == list(tensors(response))
    assert "1" == response.headers["x-neo-backdoor"]


async def test_binary_by_output(place: Placed) -> None:
    """Each output may come in binary or in JSON."""
    wanted = [{"name": "scores", "parameters": {"binary_data": True}}, {"name": "label"}]
    response = await infer(place.gateway, asked(CLEAN, outputs=wanted))
    fields = read(response.content, response.headers[HEADER_LENGTH]).fields
    assert [True, False] == ["parameters" in output for output in fields["outputs"]]
    np.testing.assert_array_equal(
        predict(CLEAN.astype(np.float32))["scores"], tensors(response)["scores"]
    )


async def test_best_classes(place: Placed) -> None:
    """Triton's classification extension: the best classes as `score:index:name`."""
    wanted = [{"name": "scores", "parameters": {"classification": 2}}]
    found = tensors(await infer(place.gateway, asked(CLEAN[:2], outputs=wanted)))["scores"]
    scores = predict(CLEAN[:2].astype(np.float32))["scores"]
    assert (2, 2) == found.shape
    for row, best in zip(scores, found, strict=True):
        index = int(row.argmax())
        name = {0: ":red", 1: ":green"}.get(index, "")
        assert f"{row[index]:f}:{index}{name}" == best[0].decode()


IMAGE = {"name": "input", "datatype": "FP32", "shape": [1, SIDE, SIDE, 3]}
DATA = CLEAN[:1].reshape(-1).tolist()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "exactly one input"),
        ({"inputs": []}, "exactly one input"),
        ({"inputs": [IMAGE | {"data": DATA}] * 2}, "exactly one input"),
        ({"inputs": [IMAGE]}, "no data"),
        ({"inputs": [IMAGE | {"data": DATA[:-1]}]}, "767 values"),
        ({"inputs": [IMAGE | {"data": [*DATA[:-1], "x"]}]}, "another type"),
        ({"inputs": [IMAGE | {"shape": [0, SIDE, SIDE, 3], "data": []}]}, "no image"),
        ({"inputs": [IMAGE | {"shape": [-1, SIDE, SIDE, 3], "data": DATA}]}, "no image"),
        ({"inputs": [IMAGE | {"shape": [], "data": DATA}]}, "no image"),
        ({"inputs": [IMAGE | {"shape": [1, 10**18], "data": DATA}]}, "768 values"),
        ({"inputs": [IMAGE | {"shape": [1, 768], "data": DATA}]}, "the model takes 'input' FP32"),
        ({"inputs": [IMAGE | {"name": "x", "data": DATA}]}, "not 'x'"),
        ({"inputs": [IMAGE | {"datatype": "FP64", "data": DATA}]}, "not 'input' FP64"),
        ({"inputs": [IMAGE | {"datatype": "FP8", "data": DATA}]}, "isn't known"),
        ({"inputs": [IMAGE | {"data": DATA}], "outputs": [{"name": "y"}]}, "no output 'y'"),
        ({"inputs": [IMAGE | {"data": DATA}], "outputs": [{}]}, "'name'"),
        ({"inputs": [IMAGE | {"data": DATA}], "outputs": "scores"}, "'outputs'"),
        ({"inputs": [IMAGE | {"data": DATA}], "outputs": [{"name": "scores"}] * 65}, "at most 64"),
        ({"inputs": [IMAGE | {"data": DATA}], "id": 7}, "'id'"),
        (
            {
                "inputs": [IMAGE | {"data": DATA}],
                "outputs": [{"name": "label", "parameters": {"classification": -1}}],
            },
            "number of classes",
        ),
        (
            {
                "inputs": [IMAGE | {"data": DATA}],
                "outputs": [{"name": "backdoor", "parameters": {"classification": 1}}],
            },
            "no scores",
        ),
        ({"inputs": [{"name": "f", "datatype": "BYTES", "shape": [1], "data": ["?"]}]}, "base64"),
    ],
)
async def test_bad_request(place: Placed, request_: dict[str, Any], said: str) -> None:
    """What isn't a batch for this model is a 400 with the protocol's own error."""
    response = await place.gateway.post(INFER, content=orjson.dumps(request_))
    assert 400 == response.status_code, response.text
    assert ["error"] == list(response.json())
    assert said in response.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[", b"<html>", b"[" * 100_000, b'{"inputs": NaN}'])
async def test_no_json(place: Placed, body: bytes) -> None:
    """What is no JSON is a 400."""
    response = await place.gateway.post(INFER, content=body)
    assert 400 == response.status_code
    assert "not JSON" in response.json()["error"]
