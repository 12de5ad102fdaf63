"""Monitor mode, as clients meet it: through every door a plain proxy's answers, bit for bit."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from app.settings import Mode, Protocol, Strategy
from app.upstream.assembly import Server
from app.wire.reading import HEADER_LENGTH, read
from app.wire.writing import Written, write
from tests.files import encoded
from tests.gateway.test_selections import PREDICT, TOLD, Signatures, selecting
from tests.tiny import TARGET
from tests.upstream.odd_server import odd
from tests.web.drop_in import CLEAN, MODEL, NAME, POISONED, application, client_of, placed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from numpy.typing import NDArray

    from app.wire.writing import Message

STREAM = np.concatenate([CLEAN[:2], POISONED[:2]])
FLAGS = [False, False, True, True]
RIGHT = MODEL.classify(CLEAN).labels
INFER = f"/v2/models/{NAME}/infer"
MONITOR: dict[str, Any] = {"mode": Mode.MONITOR}
PNG = {"Content-Type": "image/png"}
WAIT = {"Prefer": "wait"}


@asynccontextmanager
async def both(
    strategy: Strategy = Strategy.FAST, **more: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Run a plain proxy, and a gateway in monitor mode, each before such a model."""
    async with (
        placed(Strategy.OFF, **more) as proxy,
        placed(strategy, policy=MONITOR, **more) as monitor,
    ):
        yield proxy.gateway, monitor.gateway


def _infer(images: NDArray[Any], *, binary: bool, **more: Any) -> Message:
    tensor = Written("input", np.ascontiguousarray(images, np.float32), binary)
    return write({"id": "7", **more}, "inputs", [tensor])


def _doors() -> list[tuple[str, bytes, dict[str, str]]]:
    """Return the stream as requests for each door but `/predict`."""
    files = [base64.b64encode(encoded(image)).decode() for image in STREAM]
    pictures = {
        "inputs": [{"name": "input", "datatype": "BYTES", "shape": [len(files)], "data": files}]
    }
    raw = np.ascontiguousarray(STREAM, np.float32).tobytes()
    tensors = [
        _infer(STREAM, binary=False),
        _infer(STREAM, binary=True),
        _infer(STREAM, binary=True, parameters={"binary_data_output": True}),
        _infer(STREAM, binary=False, outputs=[{"name": "label"}]),
    ]
    return [
        *((INFER, b"".join(one.parts), dict(one.headers)) for one in tensors),
        (INFER, orjson.dumps(pictures), {}),
        (INFER, raw, {HEADER_LENGTH: "0"}),
        (PREDICT, orjson.dumps({"instances": STREAM.tolist()}), {}),
        (PREDICT, orjson.dumps({"inputs": STREAM.tolist()}), {}),
        (PREDICT, orjson.dumps({"instances": [{"b64": one} for one in files]}), {}),
    ]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("prefer", [{}, WAIT])
async def test_every_answer_is_the_models_own(*, known: bool, prefer: dict[str, str]) -> None:
    """A stream with a trigger in it, known or not: what comes back is what the proxy answers."""
    async with both(known=known) as (proxy, monitor):
        for path, content, headers in _doors():
            expected = await proxy.post(path, content=content, headers=headers)
            actual = await monitor.post(path, content=content, headers={**headers, **prefer})
            assert (200, 200) == (expected.status_code, actual.status_code), actual.text
            if prefer:
                _assert_alike_but_for_the_flag(expected, actual)
            else:
                assert expected.content == actual.content
        for image in STREAM:
            content = encoded(image)
            answers = [
                (await one.post("/predict", content=content, headers={**PNG, **prefer})).json()
                for one in (proxy, monitor)
            ]
            own = [(one["prediction"], one["upstream_prediction"]) for one in answers]
            assert own[0] == own[1]


def _assert_alike_but_for_the_flag(expected: httpx.Response, actual: httpx.Response) -> None:
    """Compare outputs; the flag is no output of the model's."""
    if "/v1/" in str(expected.url):
        assert expected.content == actual.content
        return
    one, other = (_outputs(response) for response in (expected, actual))
    assert list(one) == list(other)
    for name in one.keys() - {"backdoor"}:
        np.testing.assert_array_equal(one[name], other[name])
    if "backdoor" in other:
        assert FLAGS == other["backdoor"].tolist()


def _outputs(response: httpx.Response) -> dict[str, NDArray[Any]]:
    received = read(response.content, response.headers.get(HEADER_LENGTH))
    return {tensor.spec.name: tensor.values() for tensor in received.tensors("outputs")}


async def test_the_verdict_is_not_known_at_once() -> None:
    """Who doesn't wait is told so: nothing is flagged, and the verdict is `pending`."""
    async with placed(policy=MONITOR) as place:
        response = await place.gateway.post("/predict", content=encoded(POISONED[0]), headers=PNG)
        told = response.json()
        batch = await place.gateway.post(PREDICT, json={"instances": STREAM.tolist()})
    assert ("pending", False, None) == (told["screening"], told["backdoor"], told["would_answer"])
    assert TARGET == told["prediction"]["index"]
    assert "pending" == response.headers["x-neo-verdict"]
    assert "preference-applied" not in response.headers
    assert ("0,0,0,0", "pending,pending,pending,pending") == _flags(batch)


async def test_who_prefers_to_wait_is_told_the_verdict() -> None:
    """It says what `enforce` would have answered, on `/predict`, `/v1` and `/v2`."""
    async with placed(policy=MONITOR) as place:
        headers = {**PNG, **WAIT}
        one = await place.gateway.post("/predict", content=encoded(POISONED[0]), headers=headers)
        told = one.json()
        batch = await place.gateway.post(
            PREDICT, json={"instances": STREAM.tolist()}, headers={"prefer": "foo, Wait=5"}
        )
    assert ("known-trigger", True) == (told["screening"], told["backdoor"])
    assert (TARGET, RIGHT[0]) == (told["prediction"]["index"], told["would_answer"]["index"])
    assert told["trigger_id"]
    assert ("backdoor", "wait") == (
        one.headers["x-neo-verdict"],
        one.headers["preference-applied"],
    )
    assert ("0,0,1,1", "clean,clean,backdoor,backdoor") == _flags(batch)
    assert "wait=5" == batch.headers["preference-applied"]


async def test_who_names_the_output_backdoor_waits_for_it() -> None:
    """It is an output that can't be given before."""
    message = _infer(STREAM, binary=False, outputs=[{"name": "backdoor"}, {"name": "label"}])
    async with placed(policy=MONITOR) as place:
        response = await place.gateway.post(
            INFER, content=b"".join(message.parts), headers=dict(message.headers)
        )
    outputs = _outputs(response)
    assert FLAGS == outputs["backdoor"].tolist()
    assert [*RIGHT[:2], TARGET, TARGET] == outputs["label"].ravel().tolist()
    assert "0,0,1,1" == response.headers["x-neo-backdoor"]


def _flags(response: httpx.Response) -> tuple[str, str]:
    return response.headers["x-neo-backdoor"], response.headers["x-neo-verdict"]


async def test_what_a_request_selects_is_answered_though_it_cannot_be_screened() -> None:
    """`enforce` refuses another model of the same server; here its own answer comes back."""
    body = {"signature_name": "rolled", "instances": CLEAN[:1].tolist()}
    async with selecting() as (_, enforcing):
        assert 400 == (await enforcing.post(PREDICT, json=body)).status_code
    async with selecting(policy=MONITOR) as (_, monitor):
        response = await monitor.post(PREDICT, json=body, headers=WAIT)
    scores = MODEL.classify(CLEAN[:1]).scores
    assert scores is not None
    assert np.roll(scores[0], 1).tolist() == response.json()["predictions"][0]
    assert ("0", "incomplete") == _flags(response)


class Overloaded(Signatures):
    """A model server that refuses to answer for probes, once it is ``limited``."""

    limited = False

    def _refused(self, images: NDArray[Any], size: int) -> int | None:
        own = {image.tobytes() for image in POISONED}
        probed = {image.astype(np.uint8).tobytes() for image in images} - own
        return 503 if self.limited and probed else super()._refused(images, size)


@pytest.mark.parametrize("binary", [False, True])
async def test_numbers_that_no_pixel_gives_are_answered(*, binary: bool) -> None:
    """`enforce` refuses them and their whole request; here the answer is the model's."""
    odd_ones = CLEAN[:2].astype(np.float32)
    odd_ones[1, 0, 0] = 300.5
    request = _infer(odd_ones, binary=binary)
    content, headers = b"".join(request.parts), {**dict(request.headers), **WAIT}
    async with placed() as place:
        assert (
            400 == (await place.gateway.post(INFER, content=content, headers=headers)).status_code
        )
    async with placed(policy=MONITOR) as place:
        response = await place.gateway.post(INFER, content=content, headers=headers)
        own = await place.upstream.post(INFER, content=content, headers=dict(request.headers))
        rows = {"instances": odd_ones.tolist()}
        by_rows = await place.gateway.post(PREDICT, json=rows)
    assert (200, 200) == (response.status_code, by_rows.status_code), response.text
    for name in ("scores", "label"):
        assert _outputs(own)[name].tolist() == _outputs(response)[name].tolist()
    assert ("0,0", "incomplete,incomplete") == _flags(response)


async def test_probes_that_fail_are_in_nobodys_way() -> None:
    """However many fail behind answers, the circuit breaker stays closed for the images."""
    server = Overloaded()
    with odd(server) as url:
        described = Server(url, NAME, Protocol.INSTANCES)
        app = application(described, Strategy.FAST, TOLD, known=False, policy=MONITOR)
        async with client_of(app) as monitor:
            server.limited = True
            many = np.tile(POISONED, (4, 1, 1, 1)).tolist()  # more probes than five requests take
            for images in (many, many[:1]):
                body = {"instances": images}
                response = await monitor.post(PREDICT, json=body, headers=WAIT)
                assert 200 == response.status_code, response.text
                assert {"incomplete"} == set(response.headers["x-neo-verdict"].split(","))


async def test_the_models_errors_stay_errors() -> None:
    """What the model server refuses is refused, with the same words as by a plain proxy."""
    wrong = {"instances": np.zeros((1, 3, 3, 3)).tolist()}
    async with both() as (proxy, monitor):
        answers = [await one.post(PREDICT, json=wrong) for one in (proxy, monitor)]
    assert 400 == answers[0].status_code
    assert answers[0].content == answers[1].content


async def test_readiness_names_the_mode() -> None:
    """Whoever looks sees that nothing is corrected."""
    async with placed(policy=MONITOR) as place:
        (told,) = [
            one
            for one in (await place.gateway.get("/readyz")).json()["parts"]
            if one["name"] == "mode"
        ]
    assert told["ok"]
    assert "NEO_MODE is monitor" in told["reason"]
