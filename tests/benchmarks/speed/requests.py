"""The requests that are sent, made before the clock starts."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np
import orjson

from app.pictures.encoding import png
from tests.benchmarks.speed.messages import post
from tests.benchmarks.speed.upstream import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.detection.search import Images


def predicts(images: Images) -> list[bytes]:
    """Return a POST /predict for each of *images*, as a PNG."""
    return [post("/predict", png(image), content_type="image/png") for image in images]


def infers(images: Images) -> list[bytes]:
    """Return an infer request for each of *images*: a binary tensor of one, binary scores back."""
    return [_infer(image[None].astype(np.float32)) for image in images]


def some(requests: Sequence[bytes], count: int) -> Iterator[bytes]:
    """Return *count* of *requests*, again from the first after the last."""
    return islice(cycle(requests), count)


def _infer(tensor: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    raw = tensor.tobytes()
    described = {
        "name": "input",
        "datatype": "FP32",
        "shape": tensor.shape,
        "parameters": {"binary_data_size": len(raw)},
    }
    wanted = {"name": "scores", "parameters": {"binary_data": True}}
    head = orjson.dumps({"id": "1", "inputs": [described], "outputs": [wanted]})
    return post(
        f"/v2/models/{NAME}/infer",
        head + raw,
        content_type="application/octet-stream",
        inference_header_content_length=str(len(head)),
    )
