"""From a model's output tensors to the core's answers, one for each image that was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Answers
from app.ports import UpstreamAnswerError
from app.upstream.tensors import FLOATS, INTEGERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.upstream.oip_outputs import Output
    from app.upstream.tensors import TensorSpec

FEWEST_CLASSES = 2
MOST_SHOWN = 8


def answering(specs: Sequence[TensorSpec]) -> TensorSpec:
    """Choose the output that has the answer: the one with scores, or else the one with labels.

    Raises UpstreamAnswerError where there is none, or more than one.
    """
    scores = [spec for spec in specs if spec.datatype in FLOATS]
    labels = [spec for spec in specs if spec.datatype in INTEGERS]
    candidates = scores or labels
    if len(candidates) != 1:
        shown = ", ".join(f"{spec.name[:40]!r} {spec.datatype[:10]}" for spec in specs[:MOST_SHOWN])
        wanted = "exactly one output with scores (FP16, FP32, FP64), or else one with class indices"
        message = f"the gateway needs {wanted}; the model's outputs are: {shown or 'none'}"
        raise UpstreamAnswerError(message)
    return candidates[0]


def parse_answers(outputs: Sequence[Output], count: int) -> Answers:
    """Read the answers to *count* images out of a model's *outputs*.

    Scores (count, classes) come back as they came, logits too, and the label is the index of the
    largest. Labels are (count,) or (count, 1). Raises UpstreamAnswerError.
    """
    spec = answering([output.spec for output in outputs])
    if spec.shape[:1] != (count,):
        message = f"the upstream answered in the shape {spec.shape} to {count} images"
        raise UpstreamAnswerError(message)
    output = next(output for output in outputs if output.spec is spec)
    return _scored(output) if spec.datatype in FLOATS else _labelled(output)


def _scored(output: Output) -> Answers:
    match output.spec.shape:
        case (_, classes) if classes >= FEWEST_CLASSES:
            values = output.values()
        case shape:
            message = f"the upstream's scores are {shape}, not (images, classes)"
            raise UpstreamAnswerError(message)
    with np.errstate(over="ignore"):
        scores = values.astype(np.float32)
    if not np.isfinite(scores).all():
        message = "the upstream's scores are not all finite numbers"
        raise UpstreamAnswerError(message)
    # Of the values as they came: float32 can make a tie of two doubles.
    return Answers(values.argmax(axis=1), scores)


def _labelled(output: Output) -> Answers:
    match output.spec.shape:
        case (_,) | (_, 1):
            labels = output.values().reshape(-1).astype(np.int64)
        case shape:
            message = f"the upstream's labels are {shape}, not one for each image"
            raise UpstreamAnswerError(message)
    if (labels < 0).any():  # as an UINT64 of 2^63 or more is by now, too
        message = "the upstream's class indices are out of range"
        raise UpstreamAnswerError(message)
    return Answers(labels)
