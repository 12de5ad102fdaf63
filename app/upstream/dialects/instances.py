"""The dialect of `instances` and `predictions`: KServe v1, TensorFlow Serving, Vertex, MLflow."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import orjson

from app.ports import ModelFacts, UpstreamAnswerError, UpstreamStatusError
from app.upstream.answers.one_score import OneScore
from app.upstream.answers.predictions import parse_predictions
from app.upstream.answers.tensors import reading_answers
from app.upstream.inputs.preprocessing import file_bytes, longest_number
from app.wire.fields import excerpt, json_object
from app.wire.tensors import BYTES
from app.wire.writing import JSON, Message, base64_bytes

if TYPE_CHECKING:
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

SAID: Final = ("predictions", "outputs")
"""Under which an answer has what is said of the images."""


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
        self.one_score = OneScore()
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
        said = next((answer[key] for key in SAID if answer.get(key) is not None), None)
        return parse_predictions(said, len(batch), self.names, self._chosen, self.one_score)


def _message(form: InputForm, batch: NDArray[Any]) -> Message:
    instances: object = batch
    if form.datatype == BYTES:
        instances = [{"b64": base64.b64encode(file).decode()} for file in batch.reshape(-1)]
    body = orjson.dumps({"instances": instances}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Message({"Content-Type": JSON}, (body,))
