"""KServe's ModelServer with the digits, by both of its protocols: v1 and v2."""

from __future__ import annotations

import argparse
from typing import Any

import kserve
import network
import numpy as np
from kserve.errors import InvalidInput
from kserve.utils.utils import generate_uuid

HOST = "127.0.0.1"
SHAPE = (network.SIDE, network.SIDE, 1)
DATATYPES = {"FP32", "UINT8"}


class Digits(kserve.Model):  # type: ignore[misc]  # kserve isn't installed where this is checked
    """The model as KServe wants it: a v1 dict or a v2 request in, the same kind out."""

    def __init__(self, name: str, weights: str) -> None:
        super().__init__(name)
        self._network = network.load(weights)
        self.ready = True

    def predict(
        self, payload: dict[str, Any] | kserve.InferRequest, _: dict[str, str] | None = None
    ) -> dict[str, Any] | kserve.InferResponse:
        """Answer with the probabilities of the ten digits."""
        if isinstance(payload, kserve.InferRequest):
            return self._infer(payload)
        try:
            images = np.asarray(payload["instances"], np.float32)
        except (KeyError, ValueError) as exc:
            raise InvalidInput(str(exc)) from exc
        return {"predictions": self._scores(images).tolist()}

    def _infer(self, request: kserve.InferRequest) -> kserve.InferResponse:
        (tensor,) = request.inputs
        if tensor.datatype not in DATATYPES:
            message = f"the datatype is {tensor.datatype}, not one of {DATATYPES}"
            raise InvalidInput(message)
        scores = self._scores(tensor.as_numpy())
        output = kserve.InferOutput("probabilities", list(scores.shape), "FP32")
        output.set_data_from_numpy(scores, binary_data=False)
        return kserve.InferResponse(
            request.id or generate_uuid(),  # as KServe's own servers do; without one it is a 500
            self.name,
            [output],
            use_binary_outputs=request.use_binary_outputs,
            requested_outputs=request.request_outputs,
        )

    def _scores(self, images: Any) -> Any:
        if images.shape[1:] != SHAPE:
            message = f"the shape is {images.shape}, not (n, *{SHAPE})"
            raise InvalidInput(message)
        return self._network.scores(images)


class LocalServer(kserve.ModelServer):  # type: ignore[misc]
    """A server that only this machine can reach."""

    async def _serve(self) -> None:
        self._rest_server.config.host = HOST  # 0.0.0.0, and no option changes it
        await super()._serve()


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("weights")
    parser.add_argument("port", type=int)
    parser.add_argument("directory")
    arguments = parser.parse_args()
    server = LocalServer(http_port=arguments.port, enable_grpc=False, enable_latency_logging=False)
    server.start([Digits(arguments.name, arguments.weights)])


if __name__ == "__main__":
    main()
