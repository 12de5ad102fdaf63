"""A server that has another model one day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

from app.ports import Description, InputSize, OtherModelError
from app.wire.tensors import TensorSpec
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
