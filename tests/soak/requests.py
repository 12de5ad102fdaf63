"""Requests as the protocols have them, and what their answers say of each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from tests.faults.tiny_server import NAME
from tests.files import encoded
from tests.tiny import SIDE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.soak.scene import Shown

LENGTH = "Inference-Header-Content-Length"
FLAGS = "X-Neo-Backdoor"
BINARY = "application/octet-stream"


class UnreadableAnswerError(Exception):
    """The answer is none of the protocol."""


@dataclass(frozen=True)
class Message:
    """What is sent."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """What is answered of one image."""

    label: int
    flagged: bool


def picture(shown: Sequence[Shown]) -> Message:
    """Ask of one image by /predict."""
    return Message("/predict", {"Content-Type": "image/png"}, encoded(shown[0].image))


def in_json(shown: Sequence[Shown]) -> Message:
    """Ask of images by the drop-in, in JSON."""
    values = _batch(shown).reshape(-1).tolist()
    body = orjson.dumps({"inputs": [_described(shown) | {"data": values}]})
    return Message(f"/v2/models/{NAME}/infer", {"Content-Type": "application/json"}, body)


def in_binary(shown: Sequence[Shown]) -> Message:
    """Ask of images by the drop-in, in binary, the answer too."""
    raw = _batch(shown).tobytes()
    tensor = _described(shown) | {"parameters": {"binary_data_size": len(raw)}}
    head = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    headers = {"Content-Type": BINARY, LENGTH: str(len(head))}
    return Message(f"/v2/models/{NAME}/infer", headers, head + raw)


def read(message: Message, headers: Mapping[str, str], body: bytes, count: int) -> list[Said]:
    """Return what a 200 says of each of *count* images. Raises UnreadableAnswerError."""
    try:
        if message.path == "/predict":
            fields = orjson.loads(body)
            said = [Said(fields["prediction"]["index"], fields["backdoor"])]
        else:
            flags = [flag == "1" for flag in headers[FLAGS].split(",")]
            labels = _scores(headers, body).argmax(axis=1)
            pairs = zip(labels, flags, strict=True)
            said = [Said(int(label), flagged) for label, flagged in pairs]
    except (ValueError, KeyError, TypeError, StopIteration) as exc:
        raise UnreadableAnswerError(repr(exc)) from exc
    if len(said) != count:
        message_ = f"{len(said)} answers for {count} images"
        raise UnreadableAnswerError(message_)
    return said


def _batch(shown: Sequence[Shown]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.stack([one.image for one in shown]).astype(np.float32)


def _described(shown: Sequence[Shown]) -> dict[str, Any]:
    return {"name": "input", "datatype": "FP32", "shape": [len(shown), SIDE, SIDE, 3]}


def _scores(headers: Mapping[str, str], body: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the output ``scores`` (n, classes), in JSON or in binary."""
    length = int(headers.get(LENGTH, len(body)))
    head, raw, at = orjson.loads(body[:length]), body[length:], 0
    for output in head["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size", 0)
        if output["name"] == "scores":
            values = (
                output["data"] if "data" in output else np.frombuffer(raw[at : at + size], "<f4")
            )
            return np.asarray(values, np.float32).reshape(output["shape"])
        at += size
    message = "no scores"
    raise ValueError(message)
