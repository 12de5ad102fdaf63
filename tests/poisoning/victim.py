"""A gateway in this process in front of a clean network that reads real digits."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from app.digits.images import digits
from app.digits.network import network, scores
from app.evaluation.subjects.suite import RECIPE, DigitsModel
from app.gateway.predict import Gateway
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from tests.gateway.opened import START_S, TRIGGER_MAX, policy
from tests.library.clocks import Clock
from tests.library.servers import eventually
from tests.tiny import Served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np
    from numpy.typing import NDArray
    from sklearn.neural_network import MLPClassifier

    from app.detection.search import Images

SECRET = 4711
"""The deployment's seed, which no attacker knows."""


def clean_network() -> MLPClassifier:
    """Return a network that nobody has poisoned: from this user's cache, else trained now."""
    return network(digits().training, RECIPE)


def labels_of(learnt: MLPClassifier, images: Images) -> NDArray[np.int64]:
    """Return what *learnt* says of *images* (n, 28, 28, 1)."""
    labels: NDArray[np.int64] = scores(learnt, images).argmax(axis=1)
    return labels


class Reader(Served, DigitsModel):
    """The port `ServedModel`: the network as if it were served."""

    name = "digits"

    def class_name(self, index: int) -> str | None:
        """Name a class."""
        return str(index)


@dataclass(frozen=True, eq=False)
class Victim:
    """A gateway, the network behind it, its library, and the clock that this goes by."""

    gateway: Gateway
    learnt: MLPClassifier
    library: MemoryTriggerLibrary
    clock: Clock


@asynccontextmanager
async def opened() -> AsyncIterator[Victim]:
    """Open the gateway with an empty library, with the usual 500 digits as references."""
    learnt, clock = clean_network(), Clock()
    library, model = MemoryTriggerLibrary(clock=clock), Reader(learnt)
    calibrator = Calibrator(
        model,
        MemoryCalibrationStore(SECRET),
        lambda _: digits().references.images,
        identity="digits",
        trigger_max=TRIGGER_MAX,
        served=model,
    )
    preparation = Preparation(calibrator, library.check)
    # The network is small: more threads than one only get in one another's way.
    with threadpool_limits(1):
        async with preparation.running():
            await eventually(lambda: preparation.prepared is not None, START_S)
            yield Victim(Gateway(model, library, preparation, policy()), learnt, library, clock)
