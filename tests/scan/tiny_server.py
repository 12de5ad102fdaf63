"""The tiny model behind a server, which tells how much it was asked."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from app.demo.endpoint import create_endpoint
from app.wire.tensors import TensorSpec
from tests.served_apps import running
from tests.tiny import SIDE, TinyModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray


class TinyServer:
    """The tiny model over the Open Inference Protocol; ``url`` once it runs.

    ``reached`` is set as soon as it has been asked about ``mark`` more images.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0
        self.mark = 0
        self.reached = threading.Event()
        self._model = TinyModel()

    def expect(self, images: int) -> None:
        """Set ``reached`` once so many more images were asked."""
        self.reached.clear()
        self.mark = self.asked + images

    def predict(self, batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Answer, and count."""
        self.asked += len(batch)
        if self.asked >= self.mark:
            self.reached.set()
        scores = self._model.classify(batch.astype(np.uint8)).scores
        assert scores is not None
        return {"scores": scores}


@contextmanager
def served() -> Iterator[TinyServer]:
    """Serve the tiny model."""
    one = TinyServer()
    outputs = [TensorSpec("scores", "FP32", (-1, 4))]
    app = create_endpoint("tiny", one.predict, shape=(SIDE, SIDE, 3), outputs=outputs)
    with running(app) as one.url:
        yield one
