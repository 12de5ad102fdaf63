"""Servers of `instances` and `predictions`."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.pictures.decoding import load
from app.ports import InputSize, UpstreamAnswerError, UpstreamStatusError
from app.settings import InputSettings, Layout, Normalisation, Protocol
from tests.served_apps import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

    from tests.upstream.conftest import Connect

IMAGES = np.random.default_rng(2).integers(0, 256, (5, 6, 5, 1), dtype=np.uint8)
SIZE = InputSize(6, 5, 1)


class Server:
    """A server of one model that answers what ``predict`` makes of the instances."""

    def __init__(
        self, predict: Callable[[list[Any]], Any], path: str, health: bytes | None
    ) -> None:
        self.asked: list[Any] = []
        self._predict = predict
        self._health = health
        self.app = Starlette(
            routes=[
                Route(path, self._answer, methods=["POST"]),
                Route("/v1/models/{model}", self._ready),
            ]
        )

    async def _answer(self, request: Request) -> Response:
        instances = orjson.loads(await request.body())["instances"]
        self.asked += instances
        return Response(orjson.dumps(self._predict(instances)), media_type="application/json")

    async def _ready(self, _: Request) -> Response:
        return Response(self._health or b"", 200 if self._health else 404)


def first_pixels(instances: list[Any]) -> dict[str, Any]:
    """Score each image by its first three numbers."""
    flat = [np.asarray(one, float).reshape(-1)[:3].tolist() for one in instances]
    return {"predictions": flat}


@contextmanager
def serving(
    predict: Callable[[list[Any]], Any] = first_pixels,
    path: str = "/v1/models/digits:predict",
    health: bytes | None = b'{"name": "digits", "ready": true}',
) -> Iterator[tuple[str, Server]]:
    """Run a server; give its base URL and itself."""
    server = Server(predict, path, health)
    with running(server.app) as url:
        yield url, server


def told(**more: Any) -> InputSettings:
    """Return what an owner must say of such a model's input."""
    return InputSettings(SIZE, **more)


@pytest.mark.parametrize(
    ("layout", "shape"),
    [(None, (6, 5, 1)), (Layout.NCHW, (1, 6, 5)), (Layout.NHW, (6, 5)), (Layout.FLAT, (30,))],
)
async def test_images_in_every_layout(
    connect: Connect, layout: Layout | None, shape: tuple[int, ...]
) -> None:
    """Images are nested numbers in the layout that the owner names; each gets its own answer."""
    with serving() as (url, server):
        model = await connect(url, told(layout=layout), protocol=Protocol.INSTANCES)
        answers = await model.answer(IMAGES)
        await model.check()
    expected = IMAGES.reshape(5, -1)[:, :3]
    np.testing.assert_array_equal(expected.argmax(axis=1), answers.labels)
    np.testing.assert_array_equal(expected, answers.scores)
    assert expected.tolist() == answers.outputs["predictions"].tolist()
    np.testing.assert_array_equal(IMAGES.reshape(5, *shape), np.asarray(server.asked))


async def test_whole_numbers_for_who_wants_them(connect: Connect) -> None:
    """A model of integers is sent none with a point: TensorFlow Serving refuses those."""
    with serving() as (url, server):
        model = await connect(url, told(datatype="UINT8"), protocol=Protocol.INSTANCES)
        await model.answer(IMAGES)
    assert all(type(number) is int for number in np.asarray(server.asked).reshape(-1).tolist())


async def test_normalised_numbers(connect: Connect) -> None:
    """What the owner says of preprocessing is done."""
    settings = told(normalisation=Normalisation(1 / 255, (0.5,), (0.25,)))
    with serving() as (url, server):
        await (await connect(url, settings, protocol=Protocol.INSTANCES)).answer(IMAGES)
    np.testing.assert_allclose((IMAGES / 255 - 0.5) / 0.25, np.asarray(server.asked), atol=1e-6)


async def test_picture_files(connect: Connect) -> None:
    """A model of encoded pictures gets each as a PNG in base64."""
    with serving(lambda asked: {"predictions": [0] * len(asked)}) as (url, server):
        model = await connect(url, told(datatype="BYTES"), protocol=Protocol.INSTANCES)
        await model.answer(IMAGES)
    files = [base64.b64decode(one["b64"]) for one in server.asked]
    np.testing.assert_array_equal(IMAGES, [load(file, SIZE, max_pixels=99) for file in files])


@pytest.mark.parametrize("path", ["/invocations", "/v1/projects/p/endpoints/7:predict"])
async def test_whole_address(connect: Connect, path: str) -> None:
    """A URL that ends as an endpoint does is the address itself: MLflow, SageMaker, Vertex."""
    with serving(path=path) as (url, server):
        model = await connect(url + path, told(), protocol=Protocol.INSTANCES)
        await model.check()
        assert 1 == len(server.asked)  # only an answer can tell if it is ready
        await model.answer(IMAGES)


@pytest.mark.parametrize(
    "health", [b'{"name": "digits", "ready": false}', b'{"name": "digits", "ready": "False"}']
)
async def test_model_that_is_not_ready(connect: Connect, health: bytes) -> None:
    """A server that says that its model isn't ready is believed."""
    with serving(health=health) as (url, _):
        model = await connect(url, told(), protocol=Protocol.INSTANCES)
        with pytest.raises(UpstreamAnswerError, match="isn't ready"):
            await model.check()


async def test_server_without_health(connect: Connect) -> None:
    """Where nothing tells if the model is ready, one image is asked."""
    with serving(health=None) as (url, server):
        await (await connect(url, told(), protocol=Protocol.INSTANCES)).check()
    assert 1 == len(server.asked)


async def test_other_model(connect: Connect) -> None:
    """A server that doesn't know the model's address says so."""
    with serving(path="/v1/models/other:predict") as (url, _):
        model = await connect(url, told(), protocol=Protocol.INSTANCES)
        with pytest.raises(UpstreamStatusError, match="answered 40"):
            await model.answer(IMAGES)


@pytest.mark.parametrize("answer", [{"error": "no memory"}, {"outputs": [[0.1, 0.9]]}, ["x"], 3])
async def test_no_predictions(connect: Connect, answer: object) -> None:
    """An answer without predictions is an error."""
    with serving(lambda _: answer) as (url, _):
        model = await connect(url, told(), protocol=Protocol.INSTANCES)
        with pytest.raises(UpstreamAnswerError):
            await model.answer(IMAGES)
