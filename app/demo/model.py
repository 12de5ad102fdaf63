"""The demo's model behind its own endpoint, and what a gateway in front of it needs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import uvicorn

from app.demo.digits import backdoored_model
from app.demo.endpoint import create_endpoint
from app.digits.images import SIDE, digits
from app.digits.network import scores
from app.pictures.encoding import png
from app.serving.listening import bound
from app.wire.tensors import TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAME = "digits"


def serve_model(host: str, port: int) -> None:
    """Serve the backdoored digits model over the Open Inference Protocol until a signal ends it.

    Raises ListeningError, before it trains the model.
    """
    sockets = bound(host, port)
    model = backdoored_model()

    def predict(batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {"scores": scores(model, batch)}

    endpoint = create_endpoint(
        NAME,
        predict,
        shape=(SIDE, SIDE, 1),
        outputs=[TensorSpec("scores", "FP32", (-1, 10))],
    )
    config = uvicorn.Config(endpoint, access_log=False, log_level="warning")
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets)


def write_references(directory: Path) -> int:
    """Write the clean reference digits into *directory* as PNG files; return how many."""
    directory.mkdir(parents=True, exist_ok=True)
    images = digits().references.images
    for i, image in enumerate(images):
        (directory / f"{i:04}.png").write_bytes(png(image))
    return len(images)
