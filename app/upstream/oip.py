"""A classifier behind a server of the Open Inference Protocol v2: the port `Model`."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from app.ports import UpstreamAnswerError, UpstreamStatusError, UpstreamUnreachableError
from app.upstream.answers import answering, parse_answers
from app.upstream.batching import ask_all, split
from app.upstream.input_form import input_form
from app.upstream.oip_metadata import ModelMetadata, parse_metadata, speaks_binary
from app.upstream.oip_outputs import decode
from app.upstream.oip_requests import HEADER_LENGTH, Wanted, encode_binary, encode_json
from app.upstream.preprocessing import Normalisation, Preprocessing, preprocessing
from app.upstream.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.detection.search import Answers, Images
    from app.ports import InputSize
    from app.upstream.input_form import Layout
    from app.upstream.limits import Limits

NOT_FOUND = 404


@dataclass(frozen=True)
class InputSettings:
    """What the owner says of the model's input; None is told from the model's metadata."""

    size: InputSize | None = None
    layout: Layout | None = None
    normalisation: Normalisation = field(default_factory=Normalisation)


@dataclass(frozen=True, eq=False)
class _Contract:
    """What is agreed with the server: how it is asked. ``output`` None asks for all of them."""

    preprocessing: Preprocessing
    output: str | None
    binary: bool
    images_per_request: int


class OipModel:
    """The port `Model`: one classifier behind an Open Inference Protocol v2 server.

    The server needn't be there at the start: what its metadata says is asked for by the first
    `check` or `answer` that reaches it. ``asked`` counts the images that were sent, and
    ``round_trips`` the infer requests, a repeated one once.
    """

    def __init__(
        self, session: Session, model: str, settings: InputSettings, limits: Limits
    ) -> None:
        self.asked = 0
        self.round_trips = 0
        self._session = session
        self._model = model
        self._path = f"/v2/models/{quote(model, safe='')}"
        self._settings = settings
        self._limits = limits
        self._in_flight = asyncio.Semaphore(limits.in_flight)
        self._ids = itertools.count(1)
        self._contract: _Contract | None = None
        self._classes: int | None = None

    @property
    def size(self) -> InputSize:
        """The size of the images that it takes.

        Raises UpstreamUnreachableError while neither the settings nor the server has said it.
        """
        if self._contract is not None:
            return self._contract.preprocessing.form.size
        if self._settings.size is not None:
            return self._settings.size
        message = "the upstream hasn't said yet what images it takes"
        raise UpstreamUnreachableError(message)

    async def check(self) -> None:
        """Return if the model is ready to answer. Raises UpstreamError with the reason if not."""
        await self._session.get(f"{self._path}/ready")
        await self._agreed()

    async def answer(self, images: Images) -> Answers:
        """Answer *images* (n, height, width, channels), one answer each, in their order.

        Raises UpstreamError: then no answer of this call is known.
        """
        contract = await self._agreed()

        async def ask(part: Images) -> Answers:
            async with self._in_flight:
                return await self._infer(contract, part)

        return await ask_all(ask, split(images, contract.images_per_request))

    async def _infer(self, contract: _Contract, images: Images) -> Answers:
        form = contract.preprocessing.form
        wanted = Wanted(form.name, form.datatype, contract.output, str(next(self._ids)))
        encode = encode_binary if contract.binary else encode_json
        message = encode(wanted, contract.preprocessing.tensor(images))
        self.asked += len(images)
        self.round_trips += 1
        reply = await self._session.post(f"{self._path}/infer", message)
        outputs = decode(reply.body, reply.headers.get(HEADER_LENGTH), self._model)
        answers = parse_answers(outputs, len(images))
        self._check_classes(answers)
        return answers

    def _check_classes(self, answers: Answers) -> None:
        classes = 0 if answers.scores is None else answers.scores.shape[1]
        if self._classes is None:
            self._classes = classes
        if classes != self._classes:
            message = f"the upstream scored {classes} classes, and {self._classes} before"
            raise UpstreamAnswerError(message)

    async def _agreed(self) -> _Contract:
        if self._contract is None:
            binary = await self._speaks_binary()
            metadata = parse_metadata((await self._session.get(self._path)).body)
            self._contract = _agree(metadata, self._settings, self._limits, binary=binary)
        return self._contract

    async def _speaks_binary(self) -> bool:
        try:
            reply = await self._session.get("/v2")
        except UpstreamStatusError as exc:
            if exc.status == NOT_FOUND:
                return False
            raise
        return speaks_binary(reply.body)


@asynccontextmanager
async def oip_model(
    url: str, model: str, settings: InputSettings, limits: Limits
) -> AsyncIterator[OipModel]:
    """Open *model* behind the server at the base URL *url*; nothing is sent before it is used."""
    async with Session(url, limits) as session:
        yield OipModel(session, model, settings, limits)


def _agree(
    metadata: ModelMetadata, settings: InputSettings, limits: Limits, *, binary: bool
) -> _Contract:
    form = input_form(metadata.inputs, settings.size, settings.layout)
    plan = preprocessing(form, settings.normalisation)
    width = plan.values.itemsize if binary else _longest_number(plan)
    image_bytes = form.size.height * form.size.width * form.size.channels * width
    most = 1 if form.single else min(limits.batch_images, limits.batch_bytes // image_bytes)
    output = answering(metadata.outputs).name if metadata.outputs else None
    return _Contract(plan, output, binary, max(most, 1))


def _longest_number(plan: Preprocessing) -> int:
    """Return how many bytes a value can take in JSON, with its comma."""
    text = orjson.dumps(plan.values.reshape(-1), option=orjson.OPT_SERIALIZE_NUMPY)
    return max(map(len, text.strip(b"[]").split(b","))) + 1
