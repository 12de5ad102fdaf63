"""The colour model behind the Open Inference Protocol, on one bare asyncio protocol.

    python -m tests.benchmarks.speed.upstream PORT SIDE DELAY_MS

It takes and gives binary tensors only, and trusts its callers. Each 64 images of a batch take
DELAY_MS, however many batches there are at a time.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import numpy as np
import orjson
import uvloop

from tests.benchmarks.speed.messages import Messages, field
from tests.benchmarks.speed.model import COLOURS, ColourModel

NAME = "colours"
HEADER_LENGTH = b"inference-header-content-length:"
AT_ONCE = 64
JSON = b"application/json"


class Server:
    """What all connections share: the model, its answers to GET, and what was counted."""

    def __init__(self, side: int, delay_s: float) -> None:
        self.delay_s = delay_s
        self._model = ColourModel(side)
        self._images = self._requests = 0
        tensor = {"datatype": "FP32", "name": "input", "shape": [-1, side, side, 3]}
        scores = {"datatype": "FP32", "name": "scores", "shape": [-1, len(COLOURS)]}
        self._told: dict[bytes, object] = {
            b"/v2": {"name": "speed", "version": "1", "extensions": ["binary_tensor_data"]},
            b"/v2/health/live": {"live": True},
            b"/v2/health/ready": {"ready": True},
            f"/v2/models/{NAME}".encode(): {
                "name": NAME,
                "versions": ["1"],
                "platform": "speed",
                "inputs": [tensor],
                "outputs": [scores],
            },
            f"/v2/models/{NAME}/ready".encode(): {"name": NAME, "ready": True},
        }

    def tell(self, path: bytes) -> bytes:
        """Answer a GET."""
        if path == b"/stats":
            return _answer(orjson.dumps({"images": self._images, "requests": self._requests}))
        return _answer(orjson.dumps(self._told[path]))

    def infer(self, head: bytes, body: bytes) -> tuple[bytes, int]:
        """Answer a batch; say how many images it had."""
        length = int(field(head, HEADER_LENGTH) or 0)
        asked = orjson.loads(body[:length])
        shape = asked["inputs"][0]["shape"]
        batch = np.frombuffer(body, np.float32, offset=length).reshape(shape)
        raw = self._model.scores(batch).tobytes()
        self._images += shape[0]
        self._requests += 1
        output = {
            "name": "scores",
            "datatype": "FP32",
            "shape": [shape[0], len(COLOURS)],
            "parameters": {"binary_data_size": len(raw)},
        }
        told = orjson.dumps({"model_name": NAME, "id": asked.get("id"), "outputs": [output]})
        framing = HEADER_LENGTH + b" %d\r\n" % len(told)
        return _answer(told + raw, b"application/octet-stream", framing), shape[0]


class Connection(asyncio.Protocol):
    """One client, who waits for an answer before the next request."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._messages = Messages()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._write = cast("asyncio.Transport", transport).write  # uvloop's is of no such class

    def data_received(self, data: bytes) -> None:
        """Answer what has come."""
        for head, body in self._messages.feed(data):
            method, path, _ = head.split(b" ", 2)
            if method == b"GET":
                self._write(self._server.tell(path))
                continue
            answer, count = self._server.infer(head, body)
            if not self._server.delay_s:
                self._write(answer)
                continue
            takes = self._server.delay_s * -(-count // AT_ONCE)
            asyncio.get_running_loop().call_later(takes, self._write, answer)


def _answer(body: bytes, kind: bytes = JSON, more: bytes = b"") -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n"
    return head % (kind, len(body), more) + body


async def serve(port: int, side: int, delay_s: float) -> None:
    """Serve until a signal ends the process."""
    server = Server(side, delay_s)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", port)
    await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
