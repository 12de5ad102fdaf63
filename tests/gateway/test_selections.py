"""Requests that select what the model server computes: passed on with all probes, or refused."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.gateway import selections
from app.settings import InputSettings, Protocol, Strategy
from app.upstream.assembly import Server
from tests.tiny import SIDE, TinyModel
from tests.upstream.odd_server import OddServer, described, odd
from tests.web.drop_in import CLEAN, MODEL, NAME, POISONED, application, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from numpy.typing import NDArray

PREDICT = f"/v1/models/{NAME}:predict"
INFER = f"/v2/models/{NAME}/infer"
TOLD = InputSettings(MODEL.size)
OTHER = {"signature_name": "other"}
HONEST = TinyModel(backdoors=())


class Signatures(OddServer):
    """A model whose signatures differ: ``rolled`` in its classes, ``clean`` has no backdoor.

    ``evil`` alone has one where ``only_evil``; ``unknown`` is none, and ``broken`` fails.
    """

    only_evil = False

    def __init__(self) -> None:
        super().__init__(self._scores, _columns, self._refused)
        self.pages = described(-1, SIDE, SIDE, 3, versions=["1", "2"])
        self.pages[f"/v2/models/{NAME}"] = self.pages.pop("/v2/models/digits")
        self.pages[f"/v1/models/{NAME}"] = {"ready": True}

    @property
    def _signature(self) -> str | None:
        asked = self.asked[-1]
        name: str | None = asked.get("signature_name")
        return name

    def _scores(self, images: NDArray[Any]) -> NDArray[Any]:
        name = self._signature
        honest = name == "clean" or (self.only_evil and name != "evil")
        scores = (HONEST if honest else MODEL).classify(images.astype(np.uint8)).scores
        assert scores is not None
        return np.roll(scores, 1, axis=1) if name == "rolled" else scores

    def _refused(self, _: NDArray[Any], __: int) -> int | None:
        return {"unknown": 400, "broken": 503}.get(self._signature or "")


def _columns(scores: NDArray[Any]) -> dict[str, Any]:
    told = {"name": "y", "datatype": "FP32", "shape": scores.shape}
    return {
        "predictions": scores.tolist(),
        "outputs": [{**told, "data": scores.reshape(-1).tolist()}],
    }


@asynccontextmanager
async def selecting(
    protocol: Protocol = Protocol.INSTANCES, *, known: bool = True, **more: Any
) -> AsyncIterator[tuple[Signatures, httpx.AsyncClient]]:
    """Run such a server, and a gateway before it."""
    server = Signatures()
    server.only_evil = more.pop("only_evil", False)
    with odd(server) as url:
        app = application(Server(url, NAME, protocol), Strategy.FAST, TOLD, known=known, **more)
        async with client_of(app) as client:
            server.asked.clear()
            server.paths.clear()
            yield server, client


async def test_the_image_and_its_probes_are_asked_alike() -> None:
    """The server sees the selection with the image and with each probe, beside nobody else's."""
    async with selecting() as (server, client):
        plain = await client.post(PREDICT, json={"instances": CLEAN[:1].tolist()})
        probes = len(server.asked)
        assert [{}] * probes == server.asked
        server.asked.clear()
        chosen = await client.post(PREDICT, json={**OTHER, "instances": CLEAN[:1].tolist()})
        flagged = await client.post(PREDICT, json={**OTHER, "instances": POISONED[:1].tolist()})
    assert plain.json() == chosen.json()
    assert len(server.asked) > probes
    assert [OTHER] * len(server.asked) == server.asked
    assert ("0", "1") == (chosen.headers["x-neo-backdoor"], flagged.headers["x-neo-backdoor"])


async def test_another_model_is_refused_by_the_selections_name() -> None:
    """What answers otherwise can't be screened: 400. For all others nothing has changed."""
    async with selecting() as (server, client):
        before = len(server.sizes)
        for name in ("rolled", "unknown", "rolled"):
            body = {"signature_name": name, "instances": CLEAN[:1].tolist()}
            response = await client.post(PREDICT, json=body)
            assert 400 == response.status_code, response.text
            assert "signature_name" in response.json()["error"]
        # Of what is unknown one image tells, of another model two looks; the third costs nothing.
        assert [1, 32, 32, 1] == server.sizes[before:]
        plain = await client.post(PREDICT, json={"instances": CLEAN[:1].tolist()})
        assert 200 == plain.status_code
        assert 200 == (await client.get("/readyz")).status_code


async def test_more_selections_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is looked at for itself, and none of them ends another one's."""
    monkeypatch.setattr(selections, "MOST", 2)
    async with selecting() as (_, client):
        bodies = [
            {"signature_name": name, "instances": CLEAN[:1].tolist()}
            for name in ("a", "rolled", "b", "c", "unknown", "d")
        ]
        answers = await asyncio.gather(*[client.post(PREDICT, json=body) for body in bodies])
    assert [200, 400, 200, 200, 400, 200] == [answer.status_code for answer in answers]


async def test_a_selection_that_fails_closes_nothing() -> None:
    """Callers can't open the circuit breaker for everybody by what they select."""
    async with selecting() as (_, client):
        for _ in range(6):
            body = {"signature_name": "broken", "instances": CLEAN[:1].tolist()}
            assert 502 == (await client.post(PREDICT, json=body)).status_code
        plain = await client.post(PREDICT, json={"instances": CLEAN[:1].tolist()})
    assert 200 == plain.status_code


@pytest.mark.parametrize(("only_evil", "status", "found"), [(True, 503, 0), (False, 200, 1)])
async def test_what_is_found_so_must_be_everybodys(
    *, only_evil: bool, status: int, found: int
) -> None:
    """A trigger that shows under a selection is kept for all only if it acts without it, too."""
    async with selecting(known=False, only_evil=only_evil) as (_, client):
        body = {"signature_name": "evil", "instances": POISONED[:1].tolist()}
        response = await client.post(PREDICT, json=body)
        assert status == response.status_code, response.text
        assert found == len((await client.get("/trigger")).json()["triggers"])


async def test_parameters_and_versions() -> None:
    """Parameters of a request, its input and its outputs, and the path's version, are passed on."""
    tensor: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": [1, SIDE, SIDE, 3]}
    tensor |= {"data": CLEAN[:1].ravel().tolist(), "parameters": {"content_type": "np"}}
    body = {"inputs": [tensor], "parameters": {"priority": 1, "binary_data_output": False}}
    async with selecting(Protocol.OIP) as (server, client):
        path = INFER.replace("/infer", "/versions/2/infer")
        response = await client.post(path, json=body)
        unknown = await client.post(INFER.replace("/infer", "/versions/3/infer"), json=body)
        refused = await client.post(INFER, json={**body, "signature_name": "s"})
    assert (200, "2") == (response.status_code, response.json()["model_version"])
    expected = {"parameters": {"priority": 1}, "inputs": {"content_type": "np"}}
    assert [expected] * len(server.asked) == server.asked
    assert {path} == {*server.paths}
    assert 404 == unknown.status_code
    assert (400, True) == (refused.status_code, "signature_name" in refused.json()["error"])


async def test_a_version_that_the_server_doesnt_know() -> None:
    """Where the server doesn't list its versions it is asked, and what it doesn't have is 404."""
    server = Signatures()
    server.pages[f"/v2/models/{NAME}"].pop("versions")
    server.refuse = lambda _, __: 404
    with odd(server) as url:
        app = application(Server(url, NAME), Strategy.OFF, TOLD)
        async with client_of(app) as client:
            tensor = {"name": "x", "datatype": "FP32", "shape": [1, SIDE, SIDE, 3]}
            body = {"inputs": [tensor | {"data": CLEAN[:1].ravel().tolist()}]}
            response = await client.post(INFER.replace("/infer", "/versions/9/infer"), json=body)
    assert 404 == response.status_code, response.text
