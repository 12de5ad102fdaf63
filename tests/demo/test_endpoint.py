"""The demo's model server, over real HTTP."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import orjson
import pytest

from app.demo.endpoint import create_endpoint
from app.wire.tensors import TensorSpec
from tests.plain_http import CERTIFICATES
from tests.served_apps import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

LENGTH = "Inference-Header-Content-Length"


def brightest(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    """Score the pixels of each image, and say which is the brightest."""
    scores = batch.reshape(len(batch), -1)
    return {"label": scores.argmax(axis=1), "scores": scores}


@pytest.fixture(scope="module", params=[True, False], ids=["binary", "json"])
def binary(request: pytest.FixtureRequest) -> bool:
    """Whether the endpoint has the binary tensor extension."""
    return bool(request.param)


@pytest.fixture(scope="module")
def served(*, binary: bool) -> Iterator[str]:
    """Serve a model of 2x2x1 images; give its base URL."""
    outputs = [TensorSpec("label", "INT64", (-1,)), TensorSpec("scores", "FP32", (-1, 4))]
    app = create_endpoint("tiny", brightest, shape=(2, 2, 1), outputs=outputs, binary=binary)
    with running(app) as url:
        yield url


@pytest.fixture
def client(served: str) -> Iterator[httpx.Client]:
    """Open a client of the endpoint, whose counters begin at nought."""
    with httpx.Client(base_url=served, verify=CERTIFICATES) as client:
        client.post("/stats/reset")
        yield client


def asked(data: object = (1, 2, 4, 3, 9, 0, 0, 0), **changed: object) -> dict[str, Any]:
    """Make the request for two images, with the fields in *changed*."""
    tensor = {"name": "input", "shape": [2, 2, 2, 1], "datatype": "FP32", "data": data}
    return {"id": "a-1", "inputs": [tensor | changed]}


def infer(client: httpx.Client, body: object) -> httpx.Response:
    """Send an infer request in JSON."""
    return client.post("/v2/models/tiny/infer", json=body)


def test_metadata(client: httpx.Client, *, binary: bool) -> None:
    """The server and the model describe themselves, and are live and ready."""
    extensions = ["binary_tensor_data"] if binary else []
    described = client.get("/v2/models/tiny").json()

    assert extensions == client.get("/v2").json()["extensions"]
    assert [{"name": "input", "datatype": "FP32", "shape": [-1, 2, 2, 1]}] == described["inputs"]
    assert ["label", "scores"] == [output["name"] for output in described["outputs"]]
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/tiny/ready"):
        assert 200 == client.get(path).status_code


@pytest.mark.parametrize(
    "data", [(1, 2, 4, 3, 9, 0, 0, 0), [[[1], [2], [4], [3]], [[9], [0], [0], [0]]]]
)
def test_json(client: httpx.Client, data: object) -> None:
    """JSON in, flat or nested, JSON out: every output, and the request's id."""
    assert {
        "id": "a-1",
        "model_name": "tiny",
        "model_version": "1",
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [2], "data": [2, 0]},
            {
                "name": "scores",
                "datatype": "FP32",
                "shape": [2, 4],
                "data": [1.0, 2.0, 4.0, 3.0, 9.0, 0.0, 0.0, 0.0],
            },
        ],
    } == infer(client, asked(data)).json()


def test_one_output(client: httpx.Client) -> None:
    """Only the outputs that are named come back."""
    answer = infer(client, asked() | {"outputs": [{"name": "label"}]}).json()

    assert ["label"] == [output["name"] for output in answer["outputs"]]


def test_binary_in_and_out(client: httpx.Client, *, binary: bool) -> None:
    """Raw little-endian bytes behind the JSON; without the extension they are a bad request."""
    raw = np.array([1, 2, 4, 3, 9, 0, 0, 0], "<f4").tobytes()
    tensor = asked(parameters={"binary_data_size": len(raw)})["inputs"][0]
    tensor.pop("data")
    wanted = [{"name": "label", "parameters": {"binary_data": True}}, {"name": "scores"}]
    head = orjson.dumps({"inputs": [tensor], "outputs": wanted})
    reply = client.post(
        "/v2/models/tiny/infer", content=head + raw, headers={LENGTH: str(len(head))}
    )

    if not binary:
        assert 400 == reply.status_code
        return
    length = int(reply.headers[LENGTH])
    label, scores = orjson.loads(reply.content[:length])["outputs"]
    assert {"binary_data_size": 16} == label["parameters"]
    assert [2, 0] == np.frombuffer(reply.content[length:], "<i8").tolist()
    assert [1, 2, 4, 3, 9, 0, 0, 0] == scores["data"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "one input is needed"),
        ({}, "one input is needed"),
        ({"inputs": []}, "one input is needed"),
        ({"inputs": asked()["inputs"] * 2}, "one input is needed"),
        (asked(name="x"), "one input is needed: input, FP32"),
        (asked(datatype="FP64"), "one input is needed: input, FP32"),
        (asked(shape=[2, 4]), "unexpected shape"),
        (asked(shape=[0, 2, 2, 1]), "unexpected shape"),
        (asked(shape=[-1, 2, 2, 1]), "unexpected shape"),
        (asked(shape="2"), "unexpected shape"),
        (asked(shape=[3, 2, 2, 1]), "8 values, which don't fill its shape"),
        (asked([1] * 7), "7 values, which don't fill its shape"),
        (asked(None), "no data"),
        (asked([1, [2]]), "ragged"),
        (asked(["1"] * 8), "isn't FP32"),
        (asked([1e39] * 8), "too large for FP32"),
        (asked() | {"outputs": [{"name": "other"}]}, "no output other"),
        (asked() | {"outputs": ["label"]}, "outputs must be objects"),
        (asked() | {"parameters": 1}, "parameters an object"),
    ],
)
def test_bad_request(client: httpx.Client, body: object, reason: str) -> None:
    """What isn't exactly a request for the model is a 400 that says why, and isn't counted."""
    reply = infer(client, body)

    assert 400 == reply.status_code
    assert reason in reply.json()["error"]
    assert {"inferences": 0, "requests": 0, "rounds": 0} == client.get("/stats").json()


def test_no_json(client: httpx.Client) -> None:
    """A body that isn't JSON is a 400."""
    reply = client.post("/v2/models/tiny/infer", content=b"\x89PNG")
    assert (400, True) == (reply.status_code, "not JSON" in reply.json()["error"])


@pytest.mark.parametrize("length", ["-1", "x", "999999"])
def test_lying_length(client: httpx.Client, *, binary: bool, length: str) -> None:
    """A length that the JSON can't have is a 400; without the extension it means nothing."""
    body = orjson.dumps(asked())
    reply = client.post("/v2/models/tiny/infer", content=body, headers={LENGTH: length})
    assert (400 if binary else 200) == reply.status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/ready"), ("POST", "/infer")],
)
def test_unknown_model(client: httpx.Client, method: str, path: str) -> None:
    """Another model's name is a 404 that names it."""
    reply = client.request(method, f"/v2/models/huge{path}", json=asked())
    assert (404, {"error": "there is no model 'huge'"}) == (reply.status_code, reply.json())


def test_stats(client: httpx.Client) -> None:
    """Images and requests that were answered are counted, until they are reset."""
    infer(client, asked())
    infer(client, asked())

    assert {"inferences": 4, "requests": 2, "rounds": 2} == client.get("/stats").json()
    assert {"inferences": 0, "requests": 0, "rounds": 0} == client.post("/stats/reset").json()
    assert {"inferences": 0, "requests": 0, "rounds": 0} == client.get("/stats").json()


def test_what_is_asked_at_the_same_time_is_one_round() -> None:
    """Whoever asks two at once waits for one round trip."""
    both = threading.Barrier(2)

    def when_both_are_there(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        both.wait()
        return brightest(batch)

    outputs = [TensorSpec("label", "INT64", (-1,)), TensorSpec("scores", "FP32", (-1, 4))]
    app = create_endpoint("tiny", when_both_are_there, shape=(2, 2, 1), outputs=outputs)
    with (
        running(app) as url,
        httpx.Client(base_url=url, verify=CERTIFICATES) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        for rounds in (1, 2):
            replies = list(pool.map(lambda _: infer(client, asked()).status_code, range(2)))
            assert [200, 200] == replies
            assert rounds == client.get("/stats").json()["rounds"]
