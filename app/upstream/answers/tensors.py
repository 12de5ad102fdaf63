"""From a model's output tensors to the core's answers, one for each image that was asked."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.search import Answers
from app.ports import UpstreamAnswerError
from app.upstream.answers.one_score import NOT_FINITE, OneScore
from app.wire.bf16 import widened
from app.wire.fields import NotFiniteError, WireError
from app.wire.tensors import BYTES, INTEGERS, SCORES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from numpy.typing import NDArray

    from app.upstream.answers.class_names import ClassNames
    from app.wire.reading import Tensor
    from app.wire.tensors import TensorSpec

FEWEST_CLASSES = 2
MOST_SHOWN = 8


class reading_answers:  # noqa: N801  # it reads as words: `with reading_answers():`
    """Lets what is wrong with the bytes of an answer be an UpstreamAnswerError."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if isinstance(error, NotFiniteError):
            raise UpstreamAnswerError(NOT_FINITE) from error
        if isinstance(error, WireError):
            message = f"the upstream's answer: {error}"
            raise UpstreamAnswerError(message, *error.quoted) from error


def answering(specs: Sequence[TensorSpec], chosen: str | None = None) -> TensorSpec:
    """Choose the output that has the answer: the *chosen* one, else one by its datatype.

    Scores go before class indices, and these before class names. Raises UpstreamAnswerError where
    there is no such output, or more than one.
    """
    kinds = (SCORES, INTEGERS, {BYTES})
    usable = next(filter(None, ([s for s in specs if s.datatype in kind] for kind in kinds)), [])
    if chosen is not None:
        any_kind = frozenset().union(*kinds)
        usable = [spec for spec in specs if spec.name == chosen and spec.datatype in any_kind]
    if len(usable) != 1:
        shown = ", ".join(f"{spec.name[:40]!r} {spec.datatype[:10]}" for spec in specs[:MOST_SHOWN])
        wanted = "exactly one output with scores (FP16, BF16, FP32, FP64), or else one with class"
        message = (
            f"the gateway needs {wanted} indices or names; name it in NEO_OUTPUTS;"
            f" the model's outputs are: {shown or 'none'}"
        )
        raise UpstreamAnswerError(message, shown)
    return usable[0]


def parse_answers(
    tensors: Sequence[Tensor],
    count: int,
    names: ClassNames,
    chosen: str | None = None,
    one_score: OneScore | None = None,
) -> Answers:
    """Read the answers to *count* images out of a model's output *tensors*.

    Scores (count, classes) come back as they came, logits too, and the label is the index of the
    largest; one score is `OneScore`'s. Labels are (count,). Further axes of length 1 don't matter,
    and of one image the batch's may be left out. Raises UpstreamAnswerError.
    """
    spec = answering([tensor.spec for tensor in tensors], chosen)
    bare = count == 1 and spec.shape[:1] != (1,)
    if not bare and spec.shape[:1] != (count,):
        message = f"the upstream answered in the shape {spec.shape} to {count} images"
        raise UpstreamAnswerError(message)
    outputs: dict[str, NDArray[Any]] = {}
    for tensor in tensors:
        # Of another output than the one with the answer only what can be dealt out is passed on.
        with reading_answers() if tensor.spec is spec else suppress(WireError):
            values = tensor.values()[None] if bare else tensor.values()
            if values.shape[:1] == (count,):
                outputs[tensor.spec.name] = values
    return answers_from(outputs[spec.name], outputs, names, one_score or OneScore())


def answers_from(
    values: NDArray[Any], outputs: dict[str, NDArray[Any]], names: ClassNames, one_score: OneScore
) -> Answers:
    """Return the answers that *values* (n, ...) hold: scores, class indices or class names.

    Raises UpstreamAnswerError.
    """
    values = widened(values)
    shape = tuple(length for length in values.shape[1:] if length != 1)
    if values.dtype.kind == "f" and not shape:
        return one_score.answers(values.reshape(-1), outputs)
    one_score.hear(alone=False)
    if values.dtype.kind == "f":
        return _scored(values.reshape(len(values), *shape), outputs)
    if shape:
        message = (
            f"the upstream's labels are {values.shape}, not one for each image: name another output"
            " in NEO_OUTPUTS"
        )
        raise UpstreamAnswerError(message)
    flat = values.reshape(-1)
    if values.dtype.kind == "O":
        labels = np.array([names.index(_text(name)) for name in flat], np.int64)
    else:
        labels = flat.astype(np.int64)
    if (labels < 0).any():  # as an UINT64 of 2^63 or more is by now, too
        message = "the upstream's class indices are out of range"
        raise UpstreamAnswerError(message)
    return Answers(labels, outputs=outputs)


def _scored(values: NDArray[Any], outputs: dict[str, NDArray[Any]]) -> Answers:
    if values.ndim != 2 or not values.size:  # noqa: PLR2004  # images, classes
        message = (
            f"the upstream's scores are {values.shape}, not (images, classes): name another output"
            " in NEO_OUTPUTS"
        )
        raise UpstreamAnswerError(message)
    if values.dtype == np.float32:  # as nearly all
        scores = values.copy()
    else:
        with np.errstate(over="ignore"):
            scores = values.astype(np.float32)
    if not np.isfinite(scores).all():
        raise UpstreamAnswerError(NOT_FINITE)
    # Of the values as they came: float32 can make a tie of two doubles.
    return Answers(values.argmax(axis=1), scores, outputs=outputs)


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
