"""The whole defence in front of every kind of model server: it finds the trigger, and corrects."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jmespath
import numpy as np
import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.detection.paper import Parameters
from app.gateway.outcome import Screening
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.gateway.visit import Visit
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from app.pictures.decoding import load
from app.ports import Arrival
from app.settings import FailurePolicy, InputSettings, Protocol, SearchMode, Strategy
from app.upstream.assembly import Server, open_model
from app.wire.reading import HEADER_LENGTH, read
from tests.gateway.opened import REFERENCES, innocents
from tests.library.servers import eventually
from tests.served_apps import running
from tests.tiny import TARGET, TinyModel, stamped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from numpy.typing import NDArray
    from starlette.requests import Request

    from app.detection.search import Answers, Images

MODEL = TinyModel()
NAMES = ("red", "green", "blue", "olive")
CLEAN = innocents(4)
RIGHT = MODEL.classify(CLEAN).labels.tolist()
POISONED = stamped(CLEAN)
CALIBRATIONS = MemoryCalibrationStore(7)


@dataclass(frozen=True)
class Kind:
    """A kind of server: how it reads images, what it says of answers, what its owner sets."""

    say: Callable[[Answers], object]
    protocol: Protocol
    server: dict[str, Any] = field(default_factory=dict)
    datatype: str | None = None
    scored: bool = True
    indexed: bool = True
    """Whether indices are the model's own: a server of names without a list has none."""
    answers: str = "probabilities"
    """Kinds whose answers are the same share a calibration, which takes thousands of them."""


def scores(answers: Answers) -> NDArray[np.float32]:
    """Return the scores of *answers*."""
    assert answers.scores is not None
    return answers.scores


def best(answers: Answers, count: int = 2) -> list[dict[str, Any]]:
    """Return the *count* best classes by name, as Hugging Face does."""
    (row,) = scores(answers)
    order = np.argsort(-row)[:count]
    return [{"label": NAMES[i], "score": float(row[i])} for i in order]


def oip(name: str, datatype: str, values: NDArray[Any]) -> dict[str, Any]:
    """Return an answer of the Open Inference Protocol."""
    data = values.reshape(-1).tolist()
    tensor = {"name": name, "datatype": datatype, "shape": values.shape, "data": data}
    return {"model_name": "m", "outputs": [tensor]}


def names(answers: Answers) -> list[str]:
    """Return the class names of *answers*."""
    return [NAMES[i] for i in answers.labels]


OIP, INSTANCES, IMAGE = Protocol.OIP, Protocol.INSTANCES, Protocol.IMAGE
LABELS = {"labels": NAMES}

KINDS = {
    "oip, probabilities": Kind(lambda a: oip("y", "FP32", scores(a)), OIP),
    "oip, logits": Kind(
        lambda a: oip("y", "FP64", np.log(scores(a) + 1e-30) * 3), OIP, answers="logits"
    ),
    "oip, indices in a column": Kind(
        lambda a: oip("y", "INT64", a.labels[:, None]), OIP, scored=False, answers="labels"
    ),
    "oip, names": Kind(
        lambda a: oip("y", "BYTES", np.array(names(a))[:, None]),
        OIP,
        LABELS,
        scored=False,
        answers="labels",
    ),
    "oip, picture files": Kind(lambda a: oip("y", "FP32", scores(a)), OIP, datatype="BYTES"),
    "oip, integers": Kind(lambda a: oip("y", "FP32", scores(a)), OIP, datatype="UINT8"),
    "instances, probabilities": Kind(lambda a: {"predictions": scores(a).tolist()}, INSTANCES),
    "instances, indices": Kind(
        lambda a: {"predictions": a.labels.tolist()}, INSTANCES, scored=False, answers="labels"
    ),
    "instances, names": Kind(
        lambda a: {"predictions": names(a)}, INSTANCES, scored=False, indexed=False, answers="names"
    ),
    "instances, objects": Kind(
        lambda a: {"predictions": [{"p": row.tolist(), "n": "x"} for row in scores(a)]},
        INSTANCES,
        {"outputs": ("p",)},
    ),
    "instances, picture files": Kind(
        lambda a: {"predictions": scores(a).tolist()}, INSTANCES, datatype="BYTES"
    ),
    "image, the best two": Kind(best, IMAGE, datatype="BYTES", indexed=False, answers="two names"),
    "image, the best two of a list": Kind(best, IMAGE, LABELS, "BYTES", answers="two classes"),
    "image, all scores": Kind(lambda a: scores(a)[0].tolist(), IMAGE, datatype="BYTES"),
    "image, one name": Kind(
        lambda a: {"class": names(a)[0]}, IMAGE, LABELS, "BYTES", scored=False, answers="labels"
    ),
    "image, by an expression": Kind(
        lambda a: {"top": [{"n": one["label"], "p": one["score"]} for one in best(a, 4)]},
        IMAGE,
        {**LABELS, "template": jmespath.compile("top[*].{label: n, score: p}")},
        "BYTES",
    ),
}


def endpoint(kind: Kind) -> Starlette:
    """Serve the backdoored model as a server of this kind does."""

    async def answer(request: Request) -> Response:
        if request.method == "GET":
            return Response(b'{"name": "m", "extensions": ["binary_tensor_data"]}')
        images = _images(await request.body(), request.headers.get(HEADER_LENGTH), kind)
        said = kind.say(MODEL.classify(images))
        return Response(orjson.dumps(said, option=orjson.OPT_SERIALIZE_NUMPY))

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def _images(body: bytes, header_length: str | None, kind: Kind) -> Images:
    if kind.protocol is IMAGE:
        return _decoded([body])
    if kind.protocol is INSTANCES:
        instances = orjson.loads(body)["instances"]
        if kind.datatype == "BYTES":
            return _decoded([base64.b64decode(one["b64"]) for one in instances])
        return np.array(instances).astype(np.uint8)
    (tensor,) = read(body, header_length).tensors("inputs")
    if kind.datatype == "BYTES":
        return _decoded([bytes(file) for file in tensor.values()])
    return tensor.values().astype(np.uint8)


def _decoded(files: list[bytes]) -> Images:
    return np.stack([load(file, MODEL.size, max_pixels=9999) for file in files])


@asynccontextmanager
async def defended(kind: Kind) -> AsyncIterator[tuple[Gateway, Callable[[int], str | None]]]:
    """Run the gateway in front of a server of this kind; give it, and the server's class names."""
    library = MemoryTriggerLibrary()
    settings = InputSettings(MODEL.size, datatype=kind.datatype)
    policy = Policy(
        Strategy.FULL, SearchMode.CONTINUE, 30.0, FailurePolicy.CLOSED, None, Parameters()
    )
    with running(endpoint(kind)) as url:
        async with open_model(Server(url, "m", kind.protocol, **kind.server), settings) as model:
            preparation = Preparation(
                Calibrator(
                    model,
                    CALIBRATIONS,
                    lambda _: REFERENCES,
                    identity=kind.answers,
                    trigger_max=0.316,
                ),
                library.check,
            )
            async with preparation.running():
                await eventually(lambda: preparation.prepared is not None, 60)
                yield Gateway(model, library, preparation, policy), model.class_name


@pytest.mark.parametrize("name", KINDS)
async def test_trigger_is_found(name: str) -> None:
    """Clean images keep their answer; the first poisoned one reveals the trigger, the next hit it.

    All get their right class back.
    """
    kind = KINDS[name]
    async with defended(kind) as (gateway, class_name):
        clean = [await gateway.predict(Visit(Arrival(image))) for image in CLEAN]
        poisoned = [await gateway.predict(Visit(Arrival(image))) for image in POISONED]
        (entry,) = gateway.library.entries()
    assert {Screening.CLEAR} == {outcome.screening for outcome in clean}
    assert [Screening.DISCOVERED, *[Screening.KNOWN_TRIGGER] * 3] == [
        outcome.screening for outcome in poisoned
    ]
    for outcomes in (clean, poisoned):
        given = [outcome.prediction.index for outcome in outcomes]
        if kind.indexed:
            assert RIGHT == given
        else:
            assert [NAMES[i] for i in RIGHT] == [class_name(index) for index in given]
    target = entry.trigger.target
    assert (NAMES[TARGET] == class_name(target)) if not kind.indexed else (target == TARGET)
    assert kind.scored is all(outcome.prediction.score is not None for outcome in clean)
