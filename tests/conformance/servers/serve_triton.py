"""Triton with the digits, through nvidia-pytriton."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import network
import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig, TritonSecurityConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HOST = "127.0.0.1"
LARGEST_BATCH = 64


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("weights")
    parser.add_argument("port", type=int)
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    # Triton's Python backend must not load another Python's library: this one's isn't the system's.
    os.environ["LD_LIBRARY_PATH"] = str(sysconfig.get_config_var("LIBDIR"))
    config = TritonConfig(
        http_address=HOST, http_port=arguments.port, allow_grpc=False, allow_metrics=False
    )
    workspace = tempfile.mkdtemp(dir=arguments.directory) + "/workspace"
    # Without it pytriton shuts what Triton tells of its models to who hasn't a token of its own.
    security = TritonSecurityConfig(restricted_endpoints=[])
    with Triton(config=config, security_config=security, workspace=workspace) as triton:
        triton.bind(
            model_name=arguments.name,
            infer_func=batch(answering(network.load(arguments.weights))),
            inputs=[Tensor(name="image", dtype=np.float32, shape=(network.SIDE, network.SIDE, 1))],
            outputs=[
                Tensor(name="probabilities", dtype=np.float32, shape=(network.CLASSES,)),
                Tensor(name="label", dtype=np.int64, shape=(1,)),
            ],
            config=ModelConfig(max_batch_size=LARGEST_BATCH),
        )
        triton.serve()


def answering(digits: network.Network) -> Callable[..., dict[str, NDArray[Any]]]:
    """Return the function that Triton is to call with a batch."""

    def infer(image: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        scores = digits.scores(image)
        label = scores.argmax(axis=1, keepdims=True).astype(np.int64)
        return {"probabilities": scores, "label": label}

    return infer


if __name__ == "__main__":
    main()
