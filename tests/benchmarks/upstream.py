"""A model of the zoo behind the Open Inference Protocol: `python -m tests.benchmarks.upstream`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from app.demo.endpoint import create_endpoint
from app.wire.tensors import TensorSpec
from tests.benchmarks.zoo import ZooModel

if TYPE_CHECKING:
    from numpy.typing import NDArray


def main() -> None:
    """Serve the model NAME of FOLDER on PORT of this machine until a signal ends it."""
    folder, name, port = sys.argv[1:]
    model = ZooModel(Path(folder), name)

    def predict(batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {"scores": model.scores(batch)}

    outputs = [TensorSpec("scores", "FP32", (-1, model.classes))]
    endpoint = create_endpoint(name, predict, shape=model.shape, outputs=outputs)
    uvicorn.run(endpoint, host="127.0.0.1", port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
