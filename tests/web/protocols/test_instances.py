"""/v1: `instances` and `predictions`."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import pytest_asyncio

from app.wire.tensors import TensorSpec
from tests.files import encoded
from tests.web.drop_in import CLEAN, MODEL, NAME, POISONED, Placed, placed, predict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

PREDICT = f"/v1/models/{NAME}:predict"
MIXED = np.concatenate([CLEAN[:1], POISONED[1:2]])
RIGHT = MODEL.classify(CLEAN).labels[:2].tolist()

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place() -> AsyncIterator[Placed]:
    """Run one model and one gateway for all these tests."""
    async with placed() as running:
        yield running


def b64(image: NDArray[np.uint8]) -> dict[str, str]:
    """Return *image* as an instance with a picture file."""
    return {"b64": base64.b64encode(encoded(image)).decode()}


@pytest.mark.parametrize(
    "instances",
    [MIXED.tolist(), [b64(image) for image in MIXED], [{"input": b64(image)} for image in MIXED]],
)
async def test_predictions(place: Placed, instances: list[Any]) -> None:
    """Numbers and picture files are judged image by image; several outputs come by name."""
    response = await place.gateway.post(PREDICT, json={"instances": instances})
    assert 200 == response.status_code, response.text
    predictions = response.json()["predictions"]
    assert RIGHT == [one["label"][0] for one in predictions]
    assert RIGHT == [int(np.argmax(one["scores"])) for one in predictions]
    assert "0,1" == response.headers["x-neo-backdoor"]


async def test_one_output_is_the_prediction() -> None:
    """Of a model with one output the predictions are its values."""

    def scores(batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {"scores": predict(batch)["scores"]}

    outputs = (TensorSpec("scores", "FP32", (-1, 4)),)
    async with placed(model={"predict": scores, "outputs": outputs}) as place:
        response = await place.gateway.post(PREDICT, json={"instances": CLEAN.tolist()})
    expected = predict(CLEAN.astype(np.float32))["scores"]
    np.testing.assert_array_equal(
        expected, np.array(response.json()["predictions"], dtype=np.float32)
    )


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 400, "instances"),
        ({"instances": []}, 400, "an image or more"),
        ({"instances": 3}, 400, "an image or more"),
        ({"instances": [[1, 2], [1]]}, 400, "its data is ragged"),
        ({"instances": ["x"]}, 400, "must be numbers"),
        ({"instances": [None]}, 400, "must be numbers"),
        ({"instances": [[1, 2, 3]]}, 400, "the model takes"),
        ({"instances": [1, 2]}, 400, "the model takes"),
        ({"instances": [b64(CLEAN[0]), CLEAN[1].tolist()]}, 400, ""),
        ({"instances": [{"b64": "?"}]}, 400, "not base64"),
        ({"instances": [{"b64": "bm90aGluZw=="}]}, 422, "not a readable picture"),
        ([1], 400, "not an object"),
    ],
)
async def test_bad_requests(place: Placed, body: object, status: int, said: str) -> None:
    """What isn't a batch of images for this model is refused in the protocol's own form."""
    response = await place.gateway.post(PREDICT, json=body)
    assert status == response.status_code, response.text
    assert ["error"] == list(response.json())
    assert said in response.json()["error"]


async def test_models(place: Placed) -> None:
    """The model's name and readiness are told, another one's aren't."""
    assert {"models": [NAME]} == (await place.gateway.get("/v1/models")).json()
    assert {"name": NAME, "ready": True} == (await place.gateway.get(f"/v1/models/{NAME}")).json()
    other = await place.gateway.post("/v1/models/other:predict", json={"instances": [1]})
    assert (404, "there is no model 'other'") == (other.status_code, other.json()["error"])
