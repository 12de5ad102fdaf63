"""MLServer with the digits, as its own scikit-learn runtime would serve them: rows of pixels."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from pathlib import Path

import network
import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse

HOST = "127.0.0.1"
PIXELS = network.SIDE**2
LABEL, SCORES = "predict", "predict_proba"


class Digits(MLModel):  # type: ignore[misc]  # mlserver isn't installed where this is checked
    """The model as MLServer wants it: labels, or the scores if the request names them."""

    async def load(self) -> bool:
        """Read the weights."""
        self._network = network.load(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer what is asked for, the labels if nothing is."""
        (tensor,) = payload.inputs
        rows = self.decode(tensor, default_codec=NumpyCodec)
        if rows.shape[1:] != (PIXELS,):
            message = f"the shape is {rows.shape}, not (n, {PIXELS})"
            raise InferenceError(message)
        scores = self._network.scores(rows)
        known = {
            LABEL: scores.argmax(axis=1, keepdims=True).astype(np.int64),
            SCORES: scores.astype(np.float64),
        }
        names = [output.name for output in payload.outputs or []] or [LABEL]
        if unknown := set(names) - set(known):
            message = f"there is no output {unknown}"
            raise InferenceError(message)
        outputs = [NumpyCodec.encode_output(name, known[name]) for name in names]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)


def main() -> None:
    """Write the settings that MLServer reads, and become MLServer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("weights")
    parser.add_argument("port", type=int)
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    server = {
        "host": HOST,
        "http_port": arguments.port,
        "grpc_port": _free_port(),
        "metrics_port": _free_port(),
        "parallel_workers": 0,
    }
    model = {
        "name": arguments.name,
        "implementation": f"{Path(__file__).stem}.{Digits.__name__}",
        "parameters": {"uri": arguments.weights, "version": "v1"},
    }
    (arguments.directory / "settings.json").write_text(json.dumps(server))
    (arguments.directory / "model-settings.json").write_text(json.dumps(model))
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    program = str(Path(sys.executable).with_name("mlserver"))
    os.execv(program, [program, "start", str(arguments.directory)])  # noqa: S606  # no shell is wanted


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
