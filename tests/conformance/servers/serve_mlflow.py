"""MLflow's scoring server with the digits."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import network
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

if TYPE_CHECKING:
    from mlflow.pyfunc import PythonModelContext
    from numpy.typing import NDArray

HOST = "127.0.0.1"
IMAGE = TensorSpec(np.dtype(np.float32), (-1, network.SIDE, network.SIDE, 1))
SCORES = TensorSpec(np.dtype(np.float32), (-1, network.CLASSES))


class Digits(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow isn't installed where this is checked
    """The model as MLflow wants it."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the weights."""
        self._network = network.load(context.artifacts["weights"])

    def predict(self, _: PythonModelContext, model_input: NDArray[Any]) -> NDArray[np.float32]:
        """Answer with the probabilities of the ten digits."""
        scores: NDArray[np.float32] = self._network.scores(model_input)
        return scores


def main() -> None:
    """Save the model in MLflow's format, unless it is there, and become its server."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("weights")
    parser.add_argument("port")
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    model = arguments.directory / arguments.name
    if not model.exists():
        mlflow.pyfunc.save_model(
            model,
            python_model=Digits(),
            artifacts={"weights": arguments.weights},
            code_paths=[network.__file__],
            signature=ModelSignature(Schema([IMAGE]), Schema([SCORES])),
            pip_requirements=[],
        )
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # uvicorn
    where = ["--model-uri", str(model), "--host", HOST, "--port", arguments.port]
    os.execv(sys.executable, command + where)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
