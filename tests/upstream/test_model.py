"""A server that has another model one day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

from app.ports import (
    ArrivalError,
    Caller,
    Description,
    InputSize,
    OtherModelError,
    UpstreamStatusError,
)
from app.settings import InputSettings
from app.wire.tensors import TensorSpec
from tests.upstream.odd_server import OddServer, described, odd
from tests.upstream.raw_server import RawServer, Reaction, ok

if TYPE_CHECKING:
    from tests.upstream.conftest import Connect, Listen

IMAGES = np.zeros((1, 6, 5, 1), np.uint8)


def scores(*values: float, name: str = "y") -> Reaction:
    """Answer one image."""
    told = {"name": name, "datatype": "FP32", "shape": [1, len(values)], "data": values}
    return Reaction(ok(orjson.dumps({"model_name": "digits", "outputs": [told]})))


async def test_other_classes_are_refused_until_the_model_is_forgotten(
    listen: Listen, connect: Connect
) -> None:
    """Answers of another number of classes are none, until somebody has taken note of it."""
    model = await connect(await listen(RawServer(lambda n: scores(*[0.5] * (2 if n == 1 else 3)))))
    await model.answer(IMAGES)
    with pytest.raises(OtherModelError, match="scored 3 classes, and 2 before"):
        await model.answer(IMAGES)
    assert model.is_strange
    model.forget()
    answers = await model.answer(IMAGES)
    assert answers.scores is not None
    assert ((1, 3), False) == (answers.scores.shape, model.is_strange)


async def test_another_description_is_noticed_and_taken(listen: Listen, connect: Connect) -> None:
    """Another input and other outputs are asked for once the old ones are forgotten."""
    server = RawServer(
        lambda _: scores(0.1, 0.9, name=server.outputs[0].name),
        outputs=(TensorSpec("y", "FP32", (-1, 2)),),
    )
    model = await connect(await listen(server))
    await model.answer(IMAGES)
    assert Description.SAME is await model.redescribed()

    server.outputs = (TensorSpec("x", "FP32", (-1, 2)),)
    assert Description.OTHER_WORDS is await model.redescribed()
    server.inputs = (TensorSpec("input", "FP32", (-1, 8, 8, 1)),)
    server.outputs = (TensorSpec("z", "FP32", (-1, 2)),)
    assert Description.OTHER_INPUT is await model.redescribed()
    assert InputSize(6, 5, 1) == model.size
    model.forget()
    await model.answer(np.zeros((1, 8, 8, 1), np.uint8))
    assert InputSize(8, 8, 1) == model.size


@pytest.mark.parametrize("health", [{}, None])
async def test_a_server_that_says_nothing_of_its_model(
    connect: Connect, health: dict[str, str] | None
) -> None:
    """What the settings say is enough; without them, or without the model, it is a 404."""
    server = OddServer(pages={"/v2/models/digits/ready": health})
    with odd(server) as url:
        model = await connect(url, InputSettings(InputSize(6, 5, 1)))
        await model.check()
        assert [0] == (await model.answer(IMAGES)).labels.tolist()
        with pytest.raises(UpstreamStatusError, match="404"):
            await (await connect(url)).check()
        server.refuse = lambda _, __: 404
        with pytest.raises(UpstreamStatusError, match="404"):
            await (await connect(url, InputSettings(InputSize(6, 5, 1)))).answer(IMAGES)


@pytest.mark.parametrize("status", [400, 415, 422])
async def test_a_tensor_that_the_server_refuses(connect: Connect, status: int) -> None:
    """It is the caller's fault if it is its own, in our words; a probe's or a picture's isn't."""
    server = OddServer(pages=described(-1, 6, 5, 1), refuse=lambda _, __: status)
    with odd(server) as url:
        model = await connect(url)
        spec = TensorSpec("x", "FP32", (1, 6, 5, 1))
        (arrival,) = await model.arrivals(spec, IMAGES.astype(np.float32))
        words = rf"^the model server refuses it \({status}\)$"
        for _ in range(9):  # more than open the breaker
            with pytest.raises(ArrivalError, match=words):
                await model.answer(IMAGES, Caller(arrival=arrival))
        for caller in (Caller(spent=1, arrival=arrival), Caller()):
            with pytest.raises(UpstreamStatusError):
                await model.answer(IMAGES, caller)
