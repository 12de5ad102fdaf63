"""What a server says beside the protocol, and what is said of a model that it doesn't describe."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.settings import InputSettings, Protocol, Strategy
from app.upstream.assembly import Server
from tests.tiny import SIDE
from tests.upstream.odd_server import OddServer, described, odd
from tests.web.drop_in import CLEAN, MODEL, NAME, application, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from numpy.typing import NDArray

MODELS = f"/v2/models/{NAME}"
CONFIG = {"name": NAME, "max_batch_size": 8, "input": [{"name": "x"}], "output": [{"name": "y"}]}
STATS = {"model_stats": [{"name": NAME, "inference_count": "7"}]}
EXTENSIONS = ["model_configuration", "model_repository", "statistics"]


def scores(images: NDArray[Any]) -> NDArray[Any]:
    """Score as the backdoored model does."""
    found = MODEL.classify(images.astype(np.uint8)).scores
    assert found is not None
    return found


@asynccontextmanager
async def before(
    server: OddServer, protocol: Protocol = Protocol.OIP
) -> AsyncIterator[httpx.AsyncClient]:
    """Run a gateway before *server*; give a client of it."""
    settings = InputSettings(MODEL.size)
    with odd(server) as url:
        app = application(Server(url, NAME, protocol), Strategy.FAST, settings)
        async with client_of(app) as client:
            yield client


def triton() -> OddServer:
    """Make a server that tells all of it, of other models, too."""
    server = OddServer(scores)
    output = {"name": "y", "datatype": "FP32", "shape": [-1, 4]}
    pages = described(-1, SIDE, SIDE, 3, versions=["1"], outputs=[output])
    server.pages = {
        "/v2": {"extensions": EXTENSIONS},
        MODELS: pages["/v2/models/digits"],
        **{f"{MODELS}{version}/config": CONFIG for version in ("", "/versions/1")},
        f"{MODELS}/stats": STATS,
    }
    server.posted = {"/v2/repository/index": [{"name": "secret"}, {"name": NAME, "state": "READY"}]}
    return server


async def test_what_triton_says() -> None:
    """Configuration and statistics are the server's own, and the list has our model alone."""
    async with before(triton()) as client:
        extensions = (await client.get("/v2")).json()["extensions"]
        metadata = (await client.get(MODELS)).json()
        config = await client.get(f"{MODELS}/config")
        same = await client.get(f"{MODELS}/versions/1/config")
        stats = await client.get(f"{MODELS}/stats")
        all_stats = await client.get("/v2/models/stats")
        models = await client.post("/v2/repository/index", json={})
        unknown = [
            (await client.get(f"{MODELS}/versions/{version}/{page}")).status_code
            for version, page in (("2", "config"), ("1", "stats"))
        ]
    assert {*EXTENSIONS} < {*extensions}
    assert ["y"] == [output["name"] for output in metadata["outputs"]]  # as in the configuration
    assert (CONFIG, CONFIG) == (config.json(), same.json())
    assert (STATS, STATS) == (stats.json(), all_stats.json())
    assert [{"name": NAME, "state": "READY"}] == models.json()
    assert [404, 404] == unknown


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{MODELS}/config"),
        ("GET", f"{MODELS}/stats"),
        ("GET", "/v2/models/stats"),
        ("POST", "/v2/repository/index"),
    ],
)
async def test_what_the_server_hasnt(method: str, path: str) -> None:
    """Of a server without these extensions none is announced, and each is 404."""
    server = OddServer(scores, pages={MODELS: {"name": NAME}})
    async with before(server) as client:
        response = await client.request(method, path)
        extensions = (await client.get("/v2")).json()["extensions"]
    assert (404, "doesn't tell" in response.json()["error"]) == (response.status_code, True)
    assert not {*EXTENSIONS} & {*extensions}


@pytest.mark.parametrize("protocol", [Protocol.OIP, Protocol.INSTANCES])
async def test_what_the_settings_say_of_the_model(protocol: Protocol) -> None:
    """Where the server doesn't describe its model the settings and its answers do."""
    server = OddServer(scores, pages={MODELS: {"name": NAME}, f"/v1/models/{NAME}": {}})
    if protocol is Protocol.INSTANCES:
        server.say = lambda found: {"predictions": found.tolist()}
    async with before(server, protocol) as client:
        metadata = (await client.get(MODELS)).json()
        (tensor,) = metadata["inputs"]
        outputs = {one["name"]: (one["datatype"], one["shape"]) for one in metadata["outputs"]}
        data = {"shape": [1, *tensor["shape"][1:]], "data": CLEAN[:1].ravel().tolist()}
        answer = await client.post(f"{MODELS}/infer", json={"inputs": [tensor | data]})
    assert ("FP32", [-1, SIDE, SIDE, 3]) == (tensor["datatype"], tensor["shape"])
    assert ("BOOL", [-1]) == outputs["backdoor"]
    for output in answer.json()["outputs"]:
        datatype, shape = outputs[output["name"]]
        assert (datatype, shape[1:]) == (output["datatype"], output["shape"][1:])
    assert 2 == len(outputs)


@pytest.mark.parametrize("signature", ["serving_default", "other"])
async def test_input_names_that_tensorflow_serving_tells(signature: str) -> None:
    """A name that its usual signature hasn't is refused, and the metadata have that one.

    Without such a signature, or where the caller names another, any will do.
    """
    v1, rows = f"/v1/models/{NAME}", CLEAN[:1].tolist()
    inputs: dict[str, Any] = {signature: {"inputs": {"x": {}}}}
    told = {"metadata": {"signature_def": {"signature_def": inputs}}}
    server = OddServer(scores, lambda found: {"predictions": found})
    server.pages = {v1: {}, f"{v1}/metadata": told}
    usual = signature == "serving_default"
    async with before(server, Protocol.INSTANCES) as client:
        page = (await client.get(f"{v1}/metadata")).json()["metadata"]["signature_def"]
        named = page["signature_def"]["serving_default"]["inputs"]
        requests = ({"inputs": {"y": rows}}, {"instances": [{"y": row} for row in rows]})
        answers = [await client.post(f"{v1}:predict", json=body) for body in requests]
        right = await client.post(f"{v1}:predict", json={"inputs": {"x": rows}})
        other = await client.post(
            f"{v1}:predict", json={"inputs": {"y": rows}, "signature_name": "else"}
        )
    assert (["x"] if usual else ["input-0"]) == list(named)
    assert [400 if usual else 200] * 2 == [one.status_code for one in answers]
    assert (200, 200) == (right.status_code, other.status_code)
    assert not usual or "there is no input 'y'; there is x" == answers[0].json()["error"]


async def test_versions_that_tensorflow_serving_tells() -> None:
    """Those that it calls available are passed on; one that it loads yet isn't there."""
    v1 = f"/v1/models/{NAME}"
    states = [{"version": "3", "state": "AVAILABLE"}, {"version": "4", "state": "LOADING"}]
    pages = {
        v1: {"model_version_status": states},
        f"{v1}/versions/4": {"model_version_status": states[1:]},
        f"{v1}/labels/stable": {"model_version_status": states[:1]},
    }
    server = OddServer(scores, lambda found: {"predictions": found}, pages=pages)
    async with before(server, Protocol.INSTANCES) as client:
        for path in (v1, f"{v1}/labels/stable"):
            told = (await client.get(path)).json()["model_version_status"]
            assert ["3"] == [one["version"] for one in told]
        for path in (f"{v1}/versions/4", f"{v1}/versions/9", f"{v1}/labels/canary"):
            assert 404 == (await client.get(path)).status_code
        of_label = (await client.get(f"{v1}/labels/stable/metadata")).json()
        assert "3" == of_label["model_spec"]["version"]
        for chosen in ("versions/3", "labels/stable"):
            response = await client.post(
                f"{v1}/{chosen}:predict", json={"instances": CLEAN[:1].tolist()}
            )
            assert (200, f"{v1}/{chosen}:predict") == (response.status_code, server.paths[-1])


async def test_health_of_versions_that_the_server_does_not_list() -> None:
    """Such a server is asked for the version itself."""
    missing = f"{MODELS}/versions/9/ready"
    server = OddServer(scores, pages={MODELS: {"name": NAME}, missing: None})
    async with before(server) as client:
        assert 200 == (await client.get(f"{MODELS}/versions/2/ready")).status_code
        for ask in (client.get, client.head):
            assert 404 == (await ask(missing)).status_code
        assert 404 == (await client.get(missing.removesuffix("/ready"))).status_code


@pytest.mark.parametrize("protocol", [Protocol.OIP, Protocol.INSTANCES])
async def test_a_version_that_is_away_says_nothing_of_the_server(protocol: Protocol) -> None:
    """However often it is asked for, and by whomever: images are answered all the same."""
    v1 = f"/v1/models/{NAME}"
    version, asked = {
        Protocol.OIP: (f"{MODELS}/versions/9/ready", f"{MODELS}/versions/9"),
        Protocol.INSTANCES: (f"{v1}/versions/9", f"{v1}/versions/9/metadata"),
    }[protocol]
    pages = {MODELS: {"name": NAME}, v1: {"ready": True}}
    server = OddServer(scores, pages=pages, away=frozenset({version}))
    if protocol is Protocol.INSTANCES:
        server.say = lambda found: {"predictions": found}
    async with before(server, protocol) as client:
        for _ in range(20):
            assert 404 == (await client.get(asked)).status_code
        response = await client.post(f"{v1}:predict", json={"instances": CLEAN[:1].tolist()})
        assert 200 == response.status_code, response.text
