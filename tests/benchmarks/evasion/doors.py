"""The gateway's doors: how images go in by each, and what comes out."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from app.pictures.encoding import png
from app.wire.writing import Written, write
from tests.benchmarks.evasion.ground import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx
    from numpy.typing import NDArray

TOGETHER = 32
"""Images of a batch."""


@dataclass(frozen=True, eq=False)
class Request:
    """What is sent: where, and what."""

    path: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Door:
    """``request`` makes one of a model's name and images (n, h, w, c), ``together`` at most.

    ``tensors``: it takes numbers that are no pixels.
    """

    request: Callable[[str, Sequence[NDArray[Any]]], Request]
    together: int = 1
    tensors: bool = False


def heard(response: httpx.Response, count: int) -> list[Answer]:
    """Return what *response* says of each of *count* images; refused if it is an error."""
    if not response.is_success:
        return [Answer(None, flagged=False, inferences=None)] * count
    told = response.json()
    if "prediction" in told:
        return [Answer(told["prediction"]["index"], told["backdoor"], told["probes"])]
    flags = [flag == "1" for flag in response.headers["X-Neo-Backdoor"].split(",")]
    return [
        Answer(label, flagged, None) for label, flagged in zip(_labels(told), flags, strict=True)
    ]


def _labels(told: Mapping[str, Any]) -> list[int]:
    if "predictions" in told:
        scores = np.array(told["predictions"])
    else:
        output = next(one for one in told["outputs"] if one["name"] == "scores")
        scores = np.array(output["data"]).reshape(output["shape"])
    labels: list[int] = scores.argmax(axis=1).tolist()
    return labels


def _predict(_: str, images: Sequence[NDArray[Any]]) -> Request:
    (image,) = images
    return Request("/predict", png(image), {"Content-Type": "image/png"})


def _infer(model: str, images: Sequence[NDArray[Any]], *, binary: bool) -> Request:
    return _of_tensor(model, _as_tensor(images), binary=binary)


def _infer_pictures(model: str, images: Sequence[NDArray[Any]]) -> Request:
    files = np.array([base64.b64encode(png(image)).decode() for image in images], object)
    return _of_tensor(model, files, binary=False)


def _of_tensor(model: str, values: NDArray[Any], *, binary: bool) -> Request:
    message = write({}, "inputs", [Written("input", values, binary)])
    return Request(f"/v2/models/{model}/infer", b"".join(message.parts), message.headers)


def _instances(model: str, images: Sequence[NDArray[Any]]) -> Request:
    return _of_instances(model, _as_tensor(images).tolist())


def _picture_instances(model: str, images: Sequence[NDArray[Any]]) -> Request:
    return _of_instances(model, [{"b64": base64.b64encode(png(one)).decode()} for one in images])


def _of_instances(model: str, instances: Sequence[Any]) -> Request:
    body = orjson.dumps({"instances": instances})
    return Request(f"/v1/models/{model}:predict", body, {"Content-Type": "application/json"})


def _as_tensor(images: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return *images* as one batch: pixels as numbers of 32 bits, what is a tensor as it is."""
    batch = np.stack(images)
    return batch.astype(np.float32) if batch.dtype == np.uint8 else batch


DOORS: Mapping[str, Door] = {
    "predict": Door(_predict),
    "v2 json": Door(partial(_infer, binary=False), tensors=True),
    "v2 binary": Door(partial(_infer, binary=True), tensors=True),
    "v2 bytes": Door(_infer_pictures),
    "v1": Door(_instances, tensors=True),
    "v1 b64": Door(_picture_instances),
    "v2 binary, 32": Door(partial(_infer, binary=True), TOGETHER, tensors=True),
    "v1, 32": Door(_instances, TOGETHER, tensors=True),
}
