"""Servers that take one picture file a request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.pictures.decoding import load
from app.ports import Caller, InputSize, UpstreamStatusError
from app.settings import InputSettings, Protocol
from app.upstream.http.limits import Limits
from tests.served_apps import running

if TYPE_CHECKING:
    from starlette.requests import Request

    from tests.upstream.conftest import Connect

SIZE = InputSize(6, 5, 3)
SETTINGS = InputSettings(SIZE, datatype="BYTES")
IMAGES = np.random.default_rng(2).integers(0, 256, (9, 6, 5, 3), dtype=np.uint8)


class Server:
    """Answers each picture with its first pixel's colours, as labels with scores.

    It answers once so many as ``together`` are there.
    """

    def __init__(self, together: int = 1) -> None:
        self._barrier = asyncio.Barrier(together)
        self.at_once = self.most_at_once = 0
        self.types: set[str] = set()
        self.app = Starlette(routes=[Route("/models/colours", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        self.types.add(request.headers["Content-Type"])
        image = load(await request.body(), SIZE, max_pixels=99)
        await self._barrier.wait()
        self.at_once -= 1
        if not image.any():
            return Response(b'{"error": "too dark"}', 400)
        pixel = image[0, 0] / 255
        ranking = [{"label": f"LABEL_{i}", "score": float(pixel[i])} for i in np.argsort(-pixel)]
        return Response(orjson.dumps(ranking))


@pytest.mark.parametrize("labels", [(), ("red", "green", "blue")])
async def test_every_picture_gets_its_own_answer(connect: Connect, labels: tuple[str, ...]) -> None:
    """Pictures go one by one, several at a time but no more than allowed, and keep their order."""
    server = Server(together=3)
    expected = IMAGES[:, 0, 0].argmax(axis=1).tolist()
    with running(server.app) as url:
        model = await connect(
            f"{url}/models/colours",
            SETTINGS,
            Limits(in_flight=3),
            protocol=Protocol.IMAGE,
            labels=("LABEL_0", "LABEL_1", "LABEL_2") if labels else (),
        )
        answers = await model.answer(IMAGES)
    assert expected == answers.labels.tolist()
    assert (9, 9) == (model.asked, model.round_trips)
    assert {"image/png"} == server.types
    assert 3 == server.most_at_once
    scores = IMAGES[:, 0, 0].max(axis=1) / 255
    if labels:
        assert answers.scores is not None
        np.testing.assert_allclose(IMAGES[:, 0, 0] / 255, answers.scores, rtol=1e-6)
    else:
        assert answers.scores is None
        assert answers.best is not None
        np.testing.assert_allclose(scores, answers.best, rtol=1e-6)


async def test_check_asks_one_picture(connect: Connect) -> None:
    """Nothing but an answer tells if such a server is ready: what it says of a picture is heard."""
    with running(Server().app) as url:
        model = await connect(f"{url}/models/colours", SETTINGS, protocol=Protocol.IMAGE)
        with pytest.raises(UpstreamStatusError, match="400: too dark"):
            await model.check()
    assert 1 == model.asked


async def test_names_of_a_server_are_learnt(connect: Connect) -> None:
    """One reference of each class is asked, so that a worker knows their names from the start."""
    labels = IMAGES[:, 0, 0].argmax(axis=1)
    with running(Server().app) as url:
        model = await connect(f"{url}/models/colours", SETTINGS, protocol=Protocol.IMAGE)
        await model.introduce(IMAGES, labels)
    assert [f"LABEL_{i}" for i in range(3)] == [model.class_name(i) for i in range(3)]
    assert 3 == model.asked


async def test_own_picture_goes_first(connect: Connect) -> None:
    """A new caller's picture doesn't wait behind the probes of a request that came before."""
    server = Server()
    with running(server.app) as url:
        model = await connect(
            f"{url}/models/colours", SETTINGS, Limits(in_flight=1), protocol=Protocol.IMAGE
        )
        probes = asyncio.create_task(model.answer(IMAGES, Caller(spent=20)))
        await asyncio.sleep(0)
        await model.answer(IMAGES[:1])
        assert model.asked < len(IMAGES)
        await probes
