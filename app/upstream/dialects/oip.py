"""The dialect of servers of the Open Inference Protocol v2, in JSON or with binary tensors."""

from __future__ import annotations

import asyncio
import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from app.ports import (
    ModelFacts,
    OtherModelError,
    Page,
    UpstreamAnswerError,
    UpstreamStatusError,
)
from app.upstream.answers.one_score import OneScore
from app.upstream.answers.tensors import (
    FEWEST_CLASSES,
    answering,
    parse_answers,
    reading_answers,
)
from app.upstream.dialects.dialect import USUAL, apart, traced
from app.upstream.inputs.preprocessing import file_bytes, longest_number
from app.wire.fields import excerpt, json_object, json_value, objects
from app.wire.reading import HEADER_LENGTH, read
from app.wire.selection import NOTHING, Selection, loaded
from app.wire.tensors import BYTES, tensor_spec
from app.wire.writing import JSON, LENGTH_BYTES, Message, Written, base64_bytes, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.search import Answers
    from app.upstream.answers.class_names import ClassNames
    from app.upstream.dialects.dialect import Asking
    from app.upstream.http.session import Session
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing
    from app.wire.fields import Fields
    from app.wire.tensors import TensorSpec

FOREIGN: Final = frozenset({"signature_name", "params"})
"""Members of other protocols' requests, which servers of this one would ignore."""

UNSAID: Final = frozenset({404, 405, 501})
"""Statuses of a server that hasn't such a page."""
UNAVAILABLE: Final = 503
BINARY_TENSORS: Final = "binary_tensor_data"
"""The protocol's extension, by the name that a server announces it by."""

PATHS: Final = {Page.CONFIGURATION: "config", Page.STATISTICS: "stats"}
INDEX: Final = "/v2/repository/index"
REFUSING: Final = frozenset({400, 403, 404, 405, 501})
"""Statuses of a server that has announced what it doesn't tell."""
BYTES_AT_ONCE: Final = 1_000_000
"""Larger batches are written as JSON in a thread: a megabyte of numbers takes 3 ms."""


class Oip:
    """The dialect of *model*; *outputs* are asked for, the first has the answer.

    Without *outputs* those are that the server's metadata names, or else no one is named. Each
    request has its own ``id``: KServe fails on requests without one (500).
    """

    def __init__(
        self, session: Session, model: str, names: ClassNames, outputs: tuple[str, ...] = ()
    ) -> None:
        self.names = names
        self.one_score = OneScore()
        self.typed = True
        self.single = False
        self._session = session
        self._model = model
        self._path = f"/v2/models/{quote(model, safe='')}"
        self._chosen = outputs[0] if outputs else None
        self._given = self._wanted = outputs
        self._described: TensorSpec | None = None
        self._binary = self._terse = False
        self._pages: frozenset[Page] = frozenset()
        self._ids = itertools.count(1)

    async def describe(self, *, needed: bool) -> ModelFacts:
        """Ask for the server's and the model's metadata; the latter may lack unless *needed*.

        Raises UpstreamError.
        """
        extensions = await self._extensions()
        self._binary = BINARY_TENSORS in extensions
        facts = await self._facts(needed=needed)
        self._pages = frozenset(page for page in Page if page.value in extensions)
        if Page.CONFIGURATION in self._pages:
            facts = replace(facts, most_images=await self._most_images())
        self._described = None
        if facts.outputs:
            # A model without an answer says so at once.
            self._described = answering(facts.outputs, self._chosen)
            self._wanted = self._given or tuple(spec.name for spec in facts.outputs)
        return facts

    async def ready(self) -> bool:
        """Return True if the model is ready, False if only an answer can tell.

        Raises UpstreamError with the reason if it isn't.
        """
        try:
            await self._session.get(f"{self._path}/ready")
        except UpstreamStatusError as exc:
            if self._terse and exc.status in UNSAID:
                return False
            raise
        return self._session.sound

    async def input_names(self) -> tuple[str, ...]:
        """Return none: the metadata have them."""
        return ()

    @property
    def pages(self) -> frozenset[Page]:
        """What the server has announced."""
        return self._pages

    async def page(self, page: Page, version: str | None = None) -> bytes | None:
        """Return what the server says in JSON, None where it doesn't. Raises UpstreamError."""
        if page not in self._pages:
            return None
        try:
            if page is Page.REPOSITORY:
                message = Message({"Content-Type": JSON}, (b"{}",))
                reply = await self._session.post(INDEX, message, ours=False)
            else:
                path = f"{self._versioned(version)}/{PATHS[page]}"
                reply = await self._session.get(path, ours=version is None)
        except UpstreamStatusError as exc:
            if exc.status in REFUSING:
                return None
            raise
        with reading_answers():
            json_value(reply.body)
        return reply.body

    async def versions(self, version: str | None, label: str | None) -> tuple[str, ...]:
        """Return *version* if it is ready: the metadata tell the others, and there are no labels.

        Raises UpstreamError.
        """
        if version is None or label is not None:
            return ()
        try:
            await self._session.get(f"{self._versioned(version)}/ready", ours=False)
        except UpstreamStatusError as exc:
            if exc.status in {*REFUSING, UNAVAILABLE}:
                return ()
            raise
        return (version,)

    def _versioned(self, version: str | None) -> str:
        return self._path if version is None else f"{self._path}/versions/{quote(version, safe='')}"

    def image_bytes(self, plan: Preprocessing) -> int:
        """Return how many bytes an image takes, in JSON with its commas."""
        size = plan.form.size
        if plan.form.datatype == BYTES:
            file = file_bytes(size)
            return file + LENGTH_BYTES if self._binary else base64_bytes(file) + len('"",')
        value = plan.values.itemsize if self._binary else longest_number(plan) + len(",")
        return size.height * size.width * size.channels * value

    def unknown(self, selection: Selection) -> Sequence[str]:
        """Return the names of what the protocol hasn't: a version's label, TF Serving's members."""
        members = {name: "" for name in loaded(selection.members) if name in FOREIGN}
        return Selection(label=selection.label, members=orjson.dumps(members)).names

    async def ask(self, form: InputForm, batch: NDArray[Any], how: Asking = USUAL) -> Answers:
        """Ask for the answers to *batch* (n, *dims). Raises UpstreamError."""
        chosen = how.selection or NOTHING
        if self._binary or batch.nbytes <= BYTES_AT_ONCE:
            message = self._message(form, batch, chosen)
        else:
            message = await asyncio.to_thread(self._message, form, batch, chosen)
        path = f"{self._versioned(chosen.version)}/infer"
        reply = await self._session.post(
            path, traced(message, how), patient=how.patient, ours=how.ours
        )
        with reading_answers():
            received = read(reply.body, reply.headers.get(HEADER_LENGTH.lower()))
            _check_success(received.fields)
            tensors = received.tensors("outputs")
        if self._described is not None:
            _check_origin([tensor.spec for tensor in tensors], self._described)
        names, one_score = apart(self, how)
        return parse_answers(tensors, len(batch), names, self._chosen, one_score)

    def _message(self, form: InputForm, batch: NDArray[Any], chosen: Selection) -> Message:
        head: dict[str, Any] = {"id": str(next(self._ids)), **loaded(chosen.members)}
        values = batch[0] if form.bare else batch
        of_outputs = {name: loaded(told) for name, told in chosen.of_outputs}
        wanted = self._wanted or tuple(of_outputs)
        if wanted:
            binary = {"binary_data": True} if self._binary else {}
            each = [(name, of_outputs.get(name, {}) | binary) for name in wanted]
            head["outputs"] = [
                {"name": name, **({"parameters": told} if told else {})} for name, told in each
            ]
        elif self._binary:
            head["parameters"] = head.get("parameters", {}) | {"binary_data_output": True}
        tensor = Written(
            form.name, values, self._binary, base64=True, parameters=loaded(chosen.of_input)
        )
        return write(head, "inputs", [tensor])

    async def _facts(self, *, needed: bool) -> ModelFacts:
        self._terse = False
        try:
            reply = await self._session.get(self._path)
        except UpstreamStatusError as exc:
            if needed or exc.status not in UNSAID:
                raise
            self._terse = True  # if the model isn't there an answer will say so
            return ModelFacts(self._model)
        return parse_metadata(reply.body, self._model)

    async def _extensions(self) -> frozenset[str]:
        try:
            reply = await self._session.get("/v2")
        except UpstreamStatusError as exc:
            if exc.status in UNSAID:
                return frozenset()
            raise
        return parse_extensions(reply.body)

    async def _most_images(self) -> int | None:
        """Return how many images Triton takes in one request, None if its configuration is shut."""
        try:
            configuration = await self.page(Page.CONFIGURATION)
            return None if configuration is None else parse_most_images(configuration)
        except (UpstreamStatusError, UpstreamAnswerError):
            return None


def parse_extensions(server_metadata: bytes) -> frozenset[str]:
    """Return the protocol's extensions that the server has. Raises UpstreamAnswerError."""
    with reading_answers():
        extensions = json_object(server_metadata).get("extensions")
    if not isinstance(extensions, list):
        return frozenset()
    return frozenset(name for name in extensions if isinstance(name, str))


def parse_most_images(configuration: bytes) -> int | None:
    """Read ``max_batch_size`` of Triton's model configuration: 0 leaves it to the tensors' shapes.

    Raises UpstreamAnswerError.
    """
    with reading_answers():
        most = json_object(configuration).get("max_batch_size")
    return most if type(most) is int and most > 0 else None


def parse_metadata(metadata: bytes, model: str) -> ModelFacts:
    """Read a model's metadata. Raises UpstreamAnswerError.

    KServe and MLServer know the model's tensors only where they were told.
    """
    with reading_answers():
        fields = json_object(metadata)
        platform, versions = fields.get("platform"), fields.get("versions")
        return ModelFacts(
            model,
            platform if isinstance(platform, str) else "",
            tuple(str(version) for version in versions) if isinstance(versions, list) else (),
            tuple(map(tensor_spec, objects(fields, "inputs"))),
            tuple(map(tensor_spec, objects(fields, "outputs"))),
        )


def _check_success(answer: Fields) -> None:
    if answer.get("error") is not None:
        words = excerpt(orjson.dumps(answer["error"]))
        message = f"the upstream's answer is an error, whatever its status: {words}"
        raise UpstreamAnswerError(message, words)


def _check_origin(answer: Sequence[TensorSpec], described: TensorSpec) -> None:
    """Raise OtherModelError if the output *described* isn't in the *answer*, or isn't so large.

    The name of the model tells nothing: some servers decorate it, as a release's (`signs_2`).
    """
    found = next((spec for spec in answer if spec.name == described.name), None)
    if found is None:
        shown = repr(described.name[:40])
        message = (
            f"the upstream's answer has no output {shown}, which its metadata"
            " describes: another model is there, or NEO_OUTPUTS must name one that it answers"
        )
        raise OtherModelError(message, shown)
    expected, actual = described.shape[1:], found.shape[1:]
    if actual == expected:  # as nearly always
        return
    told = bool(expected) and min(expected) > 0 and math.prod(expected) >= FEWEST_CLASSES
    if told and math.prod(actual) not in {math.prod(expected), 1}:
        message = (
            f"the upstream answered in the shape {found.shape}, and its metadata describes"
            f" {described.shape}: another model is there, or NEO_OUTPUTS must name another output"
        )
        raise OtherModelError(message)
