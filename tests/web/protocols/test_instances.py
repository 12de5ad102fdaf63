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
    [
        MIXED.tolist(),
        [{"input": row} for row in MIXED.tolist()],
        [b64(image) for image in MIXED],
        [{"input": b64(image)} for image in MIXED],
        [{"data": b64(image)["b64"]} for image in MIXED],
        [{"content": b64(image)["b64"], "mimeType": "image/png"} for image in MIXED],
    ],
)
async def test_predictions(place: Placed, instances: list[Any]) -> None:
    """Numbers and picture files are judged image by image; several outputs come by name."""
    response = await place.gateway.post(PREDICT, json={"instances": instances})
    assert 200 == response.status_code, response.text
    predictions = response.json()["predictions"]
    assert RIGHT == [one["label"][0] for one in predictions]
    assert RIGHT == [int(np.argmax(one["scores"])) for one in predictions]
    assert "0,1" == response.headers["x-neo-backdoor"]


@pytest.mark.parametrize(
    "inputs", [MIXED.tolist(), {"input": MIXED.tolist()}, {"input": [b64(one) for one in MIXED]}]
)
async def test_columns(place: Placed, inputs: Any) -> None:
    """What comes in columns, with the input's name or without, is answered in columns."""
    response = await place.gateway.post(PREDICT, json={"inputs": inputs})
    assert 200 == response.status_code, response.text
    outputs = response.json()["outputs"]
    assert RIGHT == [label for (label,) in outputs["label"]]
    assert [4, 4] == [len(scores) for scores in outputs["scores"]]
    assert "0,1" == response.headers["x-neo-backdoor"]


async def test_one_output_is_the_prediction() -> None:
    """Of a model with one output the predictions are its values."""

    def scores(batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {"scores": predict(batch)["scores"]}

    outputs = (TensorSpec("scores", "FP32", (-1, 4)),)
    async with placed(model={"predict": scores, "outputs": outputs}) as place:
        response = await place.gateway.post(PREDICT, json={"instances": CLEAN.tolist()})
        columns = await place.gateway.post(PREDICT, json={"inputs": CLEAN.tolist()})
    assert response.json()["predictions"] == columns.json()["outputs"]
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
        ({"instances": ["x"]}, 400, "not base64"),
        ({"instances": [1], "inputs": [1]}, 400, "both came"),
        ({"inputs": {"x": [1], "y": [2]}}, 400, "2 came: x, y"),
        ({"instances": [{"x": [1], "y": 2}]}, 400, "2 came: x, y"),
        ({"inputs": {}}, 400, "0 came"),
        ({"inputs": {"b64": "bm90aGluZw=="}}, 400, "an image or more"),
        ({"instances": [None]}, 400, "must be numbers"),
        ({"instances": [[1, 2, 3]]}, 400, "the model takes"),
        ({"inputs": {"x": CLEAN[:1].tolist()}}, 400, "there is no input 'x'; there is input"),
        ({"instances": [{"x": CLEAN[0].tolist()}]}, 400, "there is no input 'x'"),
        ({"instances": [{"x": b64(CLEAN[0])}]}, 400, "there is no input 'x'"),
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
    status = (await place.gateway.get(f"/v1/models/{NAME}")).json()
    assert (NAME, True) == (status["name"], status["ready"])
    (version,) = status["model_version_status"]
    assert ("1", "AVAILABLE", "OK") == (
        version["version"],
        version["state"],
        version["status"]["error_code"],
    )
    assert status == (await place.gateway.get(f"/v1/models/{NAME}/versions/1")).json()
    other = await place.gateway.post("/v1/models/other:predict", json={"instances": [1]})
    assert (404, "there is no model 'other'") == (other.status_code, other.json()["error"])


async def test_versions(place: Placed) -> None:
    """A version in the path is asked; one that isn't there, or a label, is refused."""
    rows = {"instances": MIXED.tolist()}
    first = await place.gateway.post(f"/v1/models/{NAME}/versions/1:predict", json=rows)
    assert "0,1" == first.headers["x-neo-backdoor"]
    label = await place.gateway.post(f"/v1/models/{NAME}/labels/stable:predict", json=rows)
    assert (400, True) == (label.status_code, "label" in label.json()["error"])
    for path in ("versions/9", "labels/stable", "versions/9/metadata", "versions/..%2f1"):
        response = await place.gateway.get(f"/v1/models/{NAME}/{path}")
        assert 404 == response.status_code, path
    other = await place.gateway.post(f"/v1/models/{NAME}/versions/9:predict", json=rows)
    assert (404, "there is no version '9' of the model") == (
        other.status_code,
        other.json()["error"],
    )


@pytest.mark.parametrize("verb", ["predict", "rawPredict"])
async def test_vertex_path(place: Placed, verb: str) -> None:
    """Vertex's clients have a path of their own, in which the endpoint is the model."""
    path = f"/v1/projects/p/locations/europe-west4/endpoints/{NAME}:{verb}"
    response = await place.gateway.post(path, json={"instances": MIXED.tolist()})
    assert "0,1" == response.headers["x-neo-backdoor"]
    other = await place.gateway.post(path.replace(NAME, "7"), json={"instances": [1]})
    assert 404 == other.status_code


async def test_metadata(place: Placed) -> None:
    """The metadata are those of TensorFlow Serving: its signature's inputs and outputs."""
    told = (await place.gateway.get(f"/v1/models/{NAME}/metadata")).json()
    assert {"name": NAME, "signature_name": "", "version": "1"} == told["model_spec"]
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    tensor = signature["inputs"]["input"]
    assert "DT_FLOAT" == tensor["dtype"]
    assert ["-1", "16", "16", "3"] == [one["size"] for one in tensor["tensor_shape"]["dim"]]
    assert {"scores", "label"} == set(signature["outputs"])
