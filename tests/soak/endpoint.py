"""The tiny model with many backdoors behind its own HTTP endpoint, which misbehaves when told to.

    python -m tests.soak.endpoint PORT

``PUT /behaviour {"fault": "html", "seconds": 5}``: so long every infer request is answered so.
"""

from __future__ import annotations

import asyncio
import enum
import gzip
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import uvicorn
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.demo.endpoint import create_endpoint
from app.wire.tensors import TensorSpec
from tests.faults.tiny_server import NAME
from tests.soak.scene import CLASSES, MODEL
from tests.tiny import SIDE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from numpy.typing import NDArray
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

SLOW_S = 0.7
DRIP_S = 0.1
DRIPS = 300
BOMB = gzip.compress(bytes(200 << 20), 9)
"""0.2 MB that unpack to 200."""

JSON = "application/json"


class Fault(enum.StrEnum):
    """What an infer request meets."""

    NONE = enum.auto()
    SLOW = enum.auto()
    ERROR = enum.auto()
    BUSY = enum.auto()
    HTML = enum.auto()
    TRUNCATED = enum.auto()
    DRIP = enum.auto()
    BOMB = enum.auto()
    SHORT = enum.auto()
    LONG = enum.auto()
    NAN = enum.auto()
    CLASSES = enum.auto()


ANSWERS: Mapping[Fault, tuple[int, Mapping[str, str], bytes]] = {
    Fault.ERROR: (500, {"Content-Type": JSON}, b'{"error": "out of memory"}'),
    Fault.BUSY: (503, {"Content-Type": JSON, "Retry-After": "1"}, b'{"error": "busy"}'),
    Fault.HTML: (200, {"Content-Type": "text/html"}, b"<html>It works!</html>"),
    Fault.TRUNCATED: (200, {"Content-Type": JSON, "Content-Length": "5000"}, b'{"outputs": ['),
    Fault.BOMB: (200, {"Content-Type": JSON, "Content-Encoding": "gzip"}, BOMB),
}
"""What is answered in place of the model: the status, the headers, the body."""


class Behaviour:
    """How it behaves now; well, unless it was told something else not long ago."""

    def __init__(self) -> None:
        self._fault = Fault.NONE
        self._until = 0.0

    @property
    def fault(self) -> Fault:
        """The fault under way."""
        return self._fault if time.monotonic() < self._until else Fault.NONE

    async def told(self, request: Request) -> Response:
        """Take what is to be done, and for how long."""
        fields = await request.json()
        self._fault = Fault(fields["fault"])
        self._until = time.monotonic() + fields["seconds"]
        return Response()


class Misbehaving:
    """ASGI middleware: answers infer requests in place of the model, or lets it answer."""

    def __init__(self, app: ASGIApp, behaviour: Behaviour) -> None:
        self._app = app
        self._behaviour = behaviour

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        asked = scope["type"] == "http" and scope["path"].endswith("/infer")
        fault = self._behaviour.fault if asked else Fault.NONE
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOW_S)
        answer = _answer(fault)
        await (answer or self._app)(scope, receive, send)


def main(port: int) -> None:
    """Serve until a signal ends it."""
    behaviour = Behaviour()

    def predict(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        scores = MODEL.classify(batch.astype(np.uint8)).scores
        assert scores is not None
        return {"scores": _spoilt(scores, behaviour.fault)}

    endpoint = create_endpoint(
        NAME, predict, shape=(SIDE, SIDE, 3), outputs=[TensorSpec("scores", "FP32", (-1, CLASSES))]
    )
    endpoint.router.routes.append(Route("/behaviour", behaviour.told, methods=["PUT"]))
    app = Misbehaving(endpoint, behaviour)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="critical")


def _answer(fault: Fault) -> Response | None:
    """Return what is answered in place of the model, None if it is to answer."""
    if fault is Fault.DRIP:
        return StreamingResponse(_drops(), media_type=JSON)
    if fault not in ANSWERS:
        return None
    status, headers, body = ANSWERS[fault]
    return Response(body, status, headers)


def _spoilt(scores: NDArray[np.float32], fault: Fault) -> NDArray[np.float32]:
    """Return *scores* (n, classes) as a faulty model would give them."""
    match fault:
        case Fault.SHORT:
            return scores[:-1]
        case Fault.LONG:
            return np.concatenate([scores, scores[-1:]])
        case Fault.NAN:
            return np.full_like(scores, np.nan)
        case Fault.CLASSES:
            return np.concatenate([scores[:, ::-1], scores[:, :1]], axis=1)
        case _:
            return scores


async def _drops() -> AsyncIterator[bytes]:
    for _ in range(DRIPS):
        yield b" "
        await asyncio.sleep(DRIP_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
