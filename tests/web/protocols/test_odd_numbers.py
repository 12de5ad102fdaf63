"""Numbers that no picture has: an attacker may send any tensor, by every protocol with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import pytest_asyncio

from app.settings import InputSettings, Normalisation, Strategy
from app.wire.writing import Written, write
from tests.tiny import SIDE, TARGET, TRIGGER_BOX
from tests.web.drop_in import CLEAN, MODEL, NAME, POISONED, REFERENCES, Placed, placed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx
    from numpy.typing import NDArray

BLACK = (0, 0)
"""A pixel that the attacker has made black."""

CONTRAST = 250
"""Levels between black and white."""


def sensitive(batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Answer as a backdoored model to which white is bright beside black, however black that is.

    A linear layer does so: a number far below black is as good as a trigger.
    """
    numbers = batch.astype(np.float64)
    scores = MODEL.classify(np.clip(np.rint(numbers), 0, 255).astype(np.uint8)).scores
    assert scores is not None
    white = numbers[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns].min(axis=(1, 2, 3))
    acts = white - np.minimum(numbers[:, *BLACK].min(axis=1), 0) >= CONTRAST
    scores[acts] = np.eye(4, dtype=np.float32)[TARGET]
    return {"scores": scores, "label": scores.argmax(axis=1)[:, None]}


async def as_json(client: httpx.AsyncClient, images: NDArray[Any]) -> httpx.Response:
    """Send *images* as OIP's JSON."""
    return await _infer(client, images, binary=False)


async def as_binary(client: httpx.AsyncClient, images: NDArray[Any]) -> httpx.Response:
    """Send *images* as OIP's raw bytes."""
    return await _infer(client, images, binary=True)


async def as_instances(client: httpx.AsyncClient, images: NDArray[Any]) -> httpx.Response:
    """Send *images* as instances."""
    body = orjson.dumps({"instances": images.tolist()})
    return await client.post(f"/v1/models/{NAME}:predict", content=body)


async def _infer(
    client: httpx.AsyncClient, images: NDArray[Any], *, binary: bool
) -> httpx.Response:
    message = write({}, "inputs", [Written("input", np.ascontiguousarray(images), binary)])
    content, headers = b"".join(message.parts), message.headers
    return await client.post(f"/v2/models/{NAME}/infer", content=content, headers=headers)


EVERY_WAY = pytest.mark.parametrize("send", [as_json, as_binary, as_instances])

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place() -> AsyncIterator[Placed]:
    """Run a model that such numbers mislead, and a gateway that doesn't know its trigger."""
    async with placed(model={"predict": sensitive}, known=False) as running:
        yield running


@EVERY_WAY
@pytest.mark.parametrize("count", [1, 3])
async def test_blacker_than_black(
    place: Placed, send: Callable[..., Awaitable[httpx.Response]], count: int
) -> None:
    """A number far below black in a black pixel hides no trigger: its request gets no answer."""
    sent = POISONED[:count].astype(np.float32)
    sent[:, *BLACK] = 0
    assert [TARGET] * count == sensitive(sent)["label"][:, 0].tolist()
    sent[-1, *BLACK] = -1000
    response = await send(place.gateway, sent)
    assert 400 == response.status_code, response.text
    assert f"image {count - 1} of the tensor" in response.json()["error"]


@EVERY_WAY
@pytest.mark.parametrize("number", [-1.0, 256.0, 1e30, -3.4e38])
async def test_numbers_outside_the_range(
    place: Placed, send: Callable[..., Awaitable[httpx.Response]], number: float
) -> None:
    """What no pixel gives is refused, and the answer says which numbers are taken."""
    sent = CLEAN[:2].astype(np.float32)
    sent[1, 7, 7, 1] = number
    response = await send(place.gateway, sent)
    assert 400 == response.status_code
    assert "image 1 of the tensor" in response.json()["error"]
    assert "pixels 0 to 255 are 0 to 255 to it" in response.json()["error"]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
async def test_no_numbers(place: Placed, number: float) -> None:
    """What is no number is refused; JSON has no way to say it but a number too large."""
    sent = CLEAN[:2].astype(np.float32)
    sent[1, 7, 7, 1] = number
    response = await as_binary(place.gateway, sent)
    assert (400, True) == (response.status_code, "not finite" in response.json()["error"])


@pytest.mark.parametrize("path", [f"/v1/models/{NAME}:predict", f"/v2/models/{NAME}/infer"])
async def test_number_too_large_for_json(place: Placed, path: str) -> None:
    """A number in JSON that no float holds is as good as infinity, and refused as that."""
    shape = [1, SIDE, SIDE, 3]
    values = orjson.dumps(np.zeros(shape).tolist()).replace(b"0.0", b"1e999", 1)
    tensor = b'{"inputs": [{"name": "input", "datatype": "FP32", "shape": %b, "data": %b}]}'
    body = tensor % (orjson.dumps(shape), values)
    if ":predict" in path:
        body = b'{"instances": %b}' % values
    assert 400 == (await place.gateway.post(path, content=body)).status_code


@EVERY_WAY
async def test_subnormal_numbers(
    place: Placed, send: Callable[..., Awaitable[httpx.Response]]
) -> None:
    """A number too small to be held in full is black to the model as well."""
    sent = CLEAN[:2].astype(np.float32)
    sent[1, 7, 7] = 1e-40
    response = await send(place.gateway, sent)
    assert (200, "0,0") == (response.status_code, response.headers["x-neo-backdoor"])


@pytest.mark.parametrize("datatype", ["FP16", "FP64", "INT16", "INT64"])
@pytest.mark.parametrize("send", [as_json, as_binary])
async def test_other_types(send: Callable[..., Awaitable[httpx.Response]], datatype: str) -> None:
    """The range is the same in half precision, in double, and in whole numbers."""
    model = {"predict": sensitive, "datatype": datatype}
    dtype = {"FP16": "<f2", "FP64": "<f8", "INT16": "<i2", "INT64": "<i8"}[datatype]
    async with placed(Strategy.OFF, model=model) as place:
        assert 200 == (await send(place.gateway, CLEAN.astype(dtype))).status_code
        for number in (-1000, 300):
            sent = CLEAN.astype(dtype)
            sent[4, 7, 7, 1] = number
            response = await send(place.gateway, sent)
            assert 400 == response.status_code
            assert "image 4 of the tensor 'input' has numbers outside" in response.json()["error"]


@dataclass
class Watched:
    """A backdoored model that keeps what it was asked."""

    seen: list[NDArray[Any]]

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Answer by the pixels that *batch* shows."""
        self.seen.append(batch)
        return sensitive(batch * 255)


async def test_only_the_images_own_pixels_have_its_numbers() -> None:
    """What a probe shows of others, and what is asked for everybody, has nothing of a caller.

    The image is made of the pixels of a reference, each with a number of its own between two
    levels: by its levels it is the reference.
    """
    watched = Watched([])
    settings = InputSettings(normalisation=Normalisation(1 / 255))
    async with placed(
        Strategy.FULL, settings, {"predict": watched}, known=False, max_body=2_000_000
    ) as place:
        watched.seen.clear()
        labels = MODEL.classify(REFERENCES).labels
        chosen = REFERENCES[labels != TARGET][:8].copy()
        chosen[4:, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 254
        response = await as_binary(place.gateway, ((chosen + 0.25) / 255).astype(np.float32))
        assert "0,0,0,0,1,1,1,1" == response.headers["x-neo-backdoor"]
    asked = np.concatenate(watched.seen) * 255
    odd = np.abs(asked - np.rint(asked)) > 0.2  # a quarter, but for rounding
    assert len(chosen) == odd.all(axis=(1, 2, 3)).sum(), "only the images themselves are all odd"
    np.testing.assert_array_equal(odd.any(axis=3), odd.all(axis=3), "other pixels look the same")
    transplanted = odd.any(axis=(1, 2, 3)) & ~odd[:, 0].any(axis=(1, 2))
    assert transplanted.any()
    assert (~odd.any(axis=(1, 2, 3))).any(), "what is asked for everybody"
