"""The whole defence before a model of two classes that says one score an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.detection.paper import Parameters
from app.gateway.outcome import Screening
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.gateway.visit import Visit
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from app.ports import Arrival
from app.settings import FailurePolicy, InputSettings, SearchMode, Strategy
from app.upstream.assembly import Server, open_model
from tests.library.servers import eventually
from tests.tiny import TRIGGER_BOX, Backdoor, TinyModel, clean_images, stamped
from tests.upstream.odd_server import OddServer, odd

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL = TinyModel(classes=2, backdoors=(Backdoor(TRIGGER_BOX, 1),))
REFERENCES = clean_images(60, np.random.default_rng(5), classes=2)
IMAGES = clean_images(20, np.random.default_rng(6), classes=2)
CLEAN = IMAGES[MODEL.classify(IMAGES).labels == 0][:2]
POLICY = Policy(Strategy.FULL, SearchMode.CONTINUE, 30.0, FailurePolicy.CLOSED, None, Parameters())


def probabilities(images: NDArray[Any]) -> NDArray[Any]:
    """Return the probability of class 1, each image's in a list of its own."""
    scores = MODEL.classify(images.astype(np.uint8)).scores
    assert scores is not None
    return scores[:, 1:]


def logits(images: NDArray[Any]) -> NDArray[Any]:
    """Return what the sigmoid of is that probability."""
    likely = probabilities(images).clip(1e-6, 1 - 1e-6)
    odds: NDArray[Any] = np.log(likely / (1 - likely))
    return odds


@pytest.mark.parametrize(("predict", "border"), [(probabilities, 0.5), (logits, 0.0)])
async def test_trigger_is_found(predict: Any, border: float) -> None:
    """It is found and healed, and what a client gets is on the right side of the border."""
    library, settings = MemoryTriggerLibrary(), InputSettings(MODEL.size)
    with odd(OddServer(predict)) as url:
        async with open_model(Server(url, "digits"), settings) as model:
            calibrator = Calibrator(
                model,
                MemoryCalibrationStore(7),
                lambda _: REFERENCES,
                identity="two",
                trigger_max=0.316,
                served=model,
            )
            preparation = Preparation(calibrator, library.check)
            async with preparation.running():
                await eventually(lambda: preparation.prepared is not None, 60)
                gateway = Gateway(model, library, preparation, POLICY)
                images = [CLEAN[0], *stamped(CLEAN)]
                outcomes = [await gateway.predict(Visit(Arrival(image))) for image in images]
    assert [Screening.CLEAR, Screening.DISCOVERED, Screening.KNOWN_TRIGGER] == [
        outcome.screening for outcome in outcomes
    ]
    assert [0, 1, 1] == [outcome.upstream_prediction.index for outcome in outcomes]
    for outcome in outcomes:
        assert (0, True) == (outcome.prediction.index, bool(outcome.outputs(None)["y"] < border))
