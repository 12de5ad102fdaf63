"""The tiny model behind its own HTTP endpoint, which can be told to misbehave.

    python -m tests.faults.tiny_server PORT

It has a second backdoor, for what must happen before a trigger is known.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import uvicorn
from starlette.responses import Response
from starlette.routing import Route

from app.demo.endpoint import create_endpoint
from app.detection.geometry import Box
from app.wire.tensors import TensorSpec
from tests.tiny import BACKDOOR, SIDE, Backdoor, TinyModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from starlette.requests import Request

NAME = "tiny"
SECOND = Backdoor(Box(3, 10, 2, 2), target=0)


@dataclass
class Behaviour:
    """From the infer request after ``good`` more: it takes ``delay_s``, and leaves out ``rows``."""

    good: int = 0
    delay_s: float = 0.0
    rows: int = 0


def main(port: int) -> None:
    """Serve until a signal ends it."""
    model = TinyModel(backdoors=(BACKDOOR, SECOND))
    behaviour = Behaviour()

    def predict(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        scores = model.classify(batch.astype(np.uint8)).scores
        assert scores is not None
        if behaviour.good:
            behaviour.good -= 1
            return {"scores": scores}
        time.sleep(behaviour.delay_s)
        return {"scores": scores[: len(scores) - behaviour.rows]}

    async def behave(request: Request) -> Response:
        nonlocal behaviour
        behaviour = Behaviour(**await request.json())
        return Response()

    endpoint = create_endpoint(
        NAME, predict, shape=(SIDE, SIDE, 3), outputs=[TensorSpec("scores", "FP32", (-1, 4))]
    )
    endpoint.router.routes.append(Route("/behaviour", behave, methods=["PUT"]))
    uvicorn.run(endpoint, host="127.0.0.1", port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
