"""The dialect of `instances` and `predictions`: KServe v1, TensorFlow Serving, Vertex, MLflow."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import orjson

from app.ports import ModelFacts, UpstreamAnswerError, UpstreamStatusError
from app.upstream.answers.one_score import OneScore
from app.upstream.answers.predictions import parse_predictions
from app.upstream.answers.tensors import reading_answers
from app.upstream.dialects.dialect import USUAL, apart, traced
from app.upstream.inputs.preprocessing import file_bytes, longest_number
from app.wire.fields import WireError, excerpt, json_object, json_value, objects
from app.wire.selection import beside_content_type, loaded
from app.wire.tensors import BYTES
from app.wire.writing import JSON, Message, base64_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Answers
    from app.ports import Page
    from app.upstream.answers.class_names import ClassNames
    from app.upstream.dialects.dialect import Asking
    from app.upstream.http.session import Session
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing
    from app.wire.selection import Selection

WHOLE_ADDRESSES: Final = (":predict", ":rawPredict", "/invocations")
"""A URL whose path ends in one of these is the address itself, not a base."""

NO_HEALTH: Final = frozenset({404, 405, 501})
NO_SUCH: Final = frozenset({400, 503})
"""Statuses for a version that isn't there, or not yet."""
AVAILABLE: Final = "AVAILABLE"
BYTES_AT_ONCE: Final = 1_000_000
"""Larger batches are written as JSON in a thread."""

SIGNATURE: Final = "serving_default"
"""TensorFlow Serving's, where a request names none."""

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
        self._names: frozenset[str] | None = None

    async def describe(self, *, needed: bool) -> ModelFacts:  # noqa: ARG002
        """Return the model's name: nothing else is known."""
        self._names = None
        return ModelFacts(self._model)

    async def input_names(self) -> frozenset[str]:
        """Return the names in the signature that TensorFlow Serving tells; others tell none.

        Raises UpstreamError.
        """
        if self._names is None:
            self._names = await self._named_inputs()
        return self._names

    async def _named_inputs(self) -> frozenset[str]:
        if not self._health:
            return frozenset()
        try:
            reply = await self._session.get(f"{self._health}/metadata", ours=False)
        except UpstreamStatusError as exc:
            if exc.status in {*NO_HEALTH, *NO_SUCH}:
                return frozenset()
            raise
        return signed_inputs(reply.body)

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

    @property
    def pages(self) -> frozenset[Page]:
        """Nothing: the protocol hasn't these."""
        return frozenset()

    async def page(self, page: Page, version: str | None = None) -> bytes | None:  # noqa: ARG002
        """Return None."""
        return None

    async def versions(self, version: str | None, label: str | None) -> tuple[str, ...]:
        """Return those that TensorFlow Serving calls available; others tell none.

        Raises UpstreamError.
        """
        if not self._health:
            return ()
        try:
            chosen = _chosen(version, label)
            reply = await self._session.get(self._health + chosen, ours=not chosen)
        except UpstreamStatusError as exc:
            if exc.status in {*NO_HEALTH, *NO_SUCH}:
                return ()
            raise
        with reading_answers():
            told = objects(json_object(reply.body), "model_version_status")
        return tuple(str(one.get("version")) for one in told if one.get("state") == AVAILABLE)

    def image_bytes(self, plan: Preprocessing) -> int:
        """Return how many bytes an image takes in JSON, with its commas and its brackets."""
        size = plan.form.size
        if plan.form.datatype == BYTES:
            return base64_bytes(file_bytes(size)) + len('{"b64":""},')
        return size.height * size.width * size.channels * (longest_number(plan) + len(",]"))

    def unknown(self, selection: Selection) -> Sequence[str]:
        """Return the names of what has no place in a request, or none in a whole address."""
        placeless = replace(selection, members=b"", of_input=beside_content_type(selection))
        return (
            replace(placeless, version=None, label=None).names if self._health else placeless.names
        )

    async def ask(self, form: InputForm, batch: NDArray[Any], how: Asking = USUAL) -> Answers:
        """Ask for the answers to *batch* (n, *dims). Raises UpstreamError."""
        members = {} if how.selection is None else loaded(how.selection.members)
        if batch.nbytes <= BYTES_AT_ONCE:
            message = _message(form, batch, members)
        else:
            message = await asyncio.to_thread(_message, form, batch, members)
        path = self._path if how.selection is None else self._selected(how.selection)
        reply = await self._session.post(
            path, traced(message, how), patient=how.patient, ours=how.ours
        )
        with reading_answers():
            answer = json_object(reply.body)
        if answer.get("error") is not None:
            words = excerpt(orjson.dumps(answer["error"]))
            text = f"the upstream's answer is an error, whatever its status: {words}"
            raise UpstreamAnswerError(text, words)
        said = next((answer[key] for key in SAID if answer.get(key) is not None), None)
        names, one_score = apart(self, how)
        return parse_predictions(said, len(batch), names, self._chosen, one_score)

    def _selected(self, selection: Selection) -> str:
        """Return the path of what a caller has selected."""
        chosen = _chosen(selection.version, selection.label)
        return f"{self._health}{chosen}:predict" if chosen else self._path


def signed_inputs(metadata: bytes) -> frozenset[str]:
    """Return the names of a usual signature's inputs; none where there is no such signature."""
    try:
        told = json_value(metadata)
    except WireError:
        return frozenset()
    for key in ("metadata", "signature_def", "signature_def", SIGNATURE, "inputs"):
        told = told.get(key) if isinstance(told, dict) else None
    return frozenset(told) if isinstance(told, dict) else frozenset()


def _chosen(version: str | None, label: str | None) -> str:
    """Return what stands behind the model's path for a *version*, or for its *label*."""
    if version is not None:
        return f"/versions/{quote(version, safe='')}"
    return "" if label is None else f"/labels/{quote(label, safe='')}"


def _message(form: InputForm, batch: NDArray[Any], members: Mapping[str, Any]) -> Message:
    instances: object = batch
    if form.datatype == BYTES:
        instances = [{"b64": base64.b64encode(file).decode()} for file in batch.reshape(-1)]
    told = {**members, "instances": instances}
    body = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)
    return Message({"Content-Type": JSON}, (body,))
