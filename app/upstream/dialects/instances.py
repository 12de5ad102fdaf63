"""The dialect of `instances` and `predictions`: KServe v1, TensorFlow Serving, Vertex, MLflow."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import numpy as np
import orjson

from app.ports import ModelFacts, UpstreamAnswerError, UpstreamStatusError
from app.upstream.answers.tensors import FEWEST_CLASSES, answers_from, reading_answers
from app.upstream.inputs.preprocessing import file_bytes, longest_number
from app.wire.fields import excerpt, json_object
from app.wire.tensors import BYTES
from app.wire.writing import JSON, Message, base64_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.search import Answers
    from app.upstream.answers.class_names import ClassNames
    from app.upstream.http.session import Session
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing

WHOLE_ADDRESSES: Final = (":predict", "/invocations")
"""A URL whose path ends in one of these is the address itself, not a base."""

NO_HEALTH: Final = frozenset({404, 405, 501})
BYTES_AT_ONCE: Final = 1_000_000
"""Larger batches are written as JSON in a thread."""

PREDICTIONS: Final = "predictions"


class Instances:
    """The dialect of *model* at *url*: its base, or the address itself (`WHOLE_ADDRESSES`).

    Where a prediction is an object the one of *outputs* that is named first has the answer.
    """

    def __init__(
        self,
        session: Session,
        url: str,
        model: str,
        names: ClassNames,
        outputs: tuple[str, ...] = (),
    ) -> None:
        self.names = names
        self.typed = False
        self.single = False
        self._session = session
        self._model = model
        self._health = ""
        self._path = ""
        if not urlsplit(url).path.endswith(WHOLE_ADDRESSES):
            self._health = f"/v1/models/{quote(model, safe='')}"
            self._path = f"{self._health}:predict"
        self._chosen = outputs[0] if outputs else None

    async def describe(self) -> ModelFacts:
        """Return the model's name: nothing else is known."""
        return ModelFacts(self._model)

    async def ready(self) -> bool:
        """Return True if the model says so, False if only an answer can tell."""
        if not self._health:
            return False
        try:
            reply = await self._session.get(self._health)
        except UpstreamStatusError as exc:
            if exc.status in NO_HEALTH:
                return False
            raise
        with reading_answers():
            if json_object(reply.body).get("ready") in {False, "False"}:
                message = f"the model {self._model!r} isn't ready"
                raise UpstreamAnswerError(message)
        return self._session.sound

    def image_bytes(self, plan: Preprocessing) -> int:
        """Return how many bytes an image takes in JSON, with its commas and its brackets."""
        size = plan.form.size
        if plan.form.datatype == BYTES:
            return base64_bytes(file_bytes(size)) + len('{"b64":""},')
        return size.height * size.width * size.channels * (longest_number(plan) + len(",]"))

    async def ask(self, form: InputForm, batch: NDArray[Any], *, patient: bool = False) -> Answers:
        """Ask for the answers to *batch* (n, *dims). Raises UpstreamError."""
        if batch.nbytes <= BYTES_AT_ONCE:
            message = _message(form, batch)
        else:
            message = await asyncio.to_thread(_message, form, batch)
        reply = await self._session.post(self._path, message, patient=patient)
        with reading_answers():
            answer = json_object(reply.body)
        if answer.get("error") is not None:
            words = excerpt(orjson.dumps(answer["error"]))
            text = f"the upstream's answer is an error, whatever its status: {words}"
            raise UpstreamAnswerError(text)
        return parse_predictions(answer.get(PREDICTIONS), len(batch), self.names, self._chosen)


def parse_predictions(
    predictions: object, count: int, names: ClassNames, chosen: str | None = None
) -> Answers:
    """Read the answers to *count* images out of *predictions*, one of a kind each.

    Scores, a class index, a class name (each also alone in a list), or an object that has one of
    these: under *chosen*, else the only one there is, scores first. Raises UpstreamAnswerError.
    """
    if not isinstance(predictions, list):
        message = "the upstream's answer has no list of predictions"
        raise UpstreamAnswerError(message)
    if len(predictions) != count:
        message = f"the upstream answered {len(predictions)} predictions to {count} images"
        raise UpstreamAnswerError(message)
    told = [_said(prediction, chosen) for prediction in predictions]
    return answers_from(_array(told), {PREDICTIONS: _objects(predictions)}, names)


def _said(prediction: object, chosen: str | None) -> object:
    """Return the part of *prediction* that has the answer."""
    if not isinstance(prediction, dict):
        return prediction
    if chosen is not None:
        candidates = [key for key in prediction if key == chosen]
    else:
        kinds = (_is_scores, _is_index, _is_name)
        found = ([key for key, value in prediction.items() if is_a(value)] for is_a in kinds)
        candidates = next(filter(None, found), [])
    if len(candidates) != 1:
        keys = ", ".join(repr(str(key)[:40]) for key in list(prediction)[:8])
        message = f"a prediction of the upstream has {keys}: name the answer's in NEO_OUTPUTS"
        raise UpstreamAnswerError(message)
    return prediction[candidates[0]]


def _array(told: Sequence[object]) -> NDArray[Any]:
    """Return scores as floats (n, classes), indices as integers (n,), names as objects (n,)."""
    alone = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in told]
    if all(_is_index(one) for one in alone):
        try:
            return np.array(alone, np.int64)
        except OverflowError:
            alone = [None]
    if all(_is_name(one) for one in alone):
        return _objects(alone)
    if all(_is_scores(one) for one in alone):
        try:
            return np.array(alone, np.float64)
        except (ValueError, OverflowError):
            pass
    message = (
        "the upstream's predictions are not one of a kind each: scores of the same classes,"
        f" a class index or a class name; the first is {excerpt(orjson.dumps(told[0]))[:80]}"
    )
    raise UpstreamAnswerError(message)


def _is_scores(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= FEWEST_CLASSES
        and all(type(number) in {float, int} for number in value)
    )


def _is_index(value: object) -> bool:
    return type(value) is int


def _is_name(value: object) -> bool:
    return isinstance(value, str)


def _objects(values: Sequence[object]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _message(form: InputForm, batch: NDArray[Any]) -> Message:
    instances: object = batch
    if form.datatype == BYTES:
        instances = [{"b64": base64.b64encode(file).decode()} for file in batch.reshape(-1)]
    body = orjson.dumps({"instances": instances}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Message({"Content-Type": JSON}, (body,))
