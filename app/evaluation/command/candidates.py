"""From the options to what is evaluated: models, images, attacks, and how a run is made."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from app.detection.paper import Parameters
from app.evaluation.attacks.attacks import Backdoor, ToOne
from app.evaluation.attacks.marks import read_stamp
from app.evaluation.command.options import (
    FieldSource,
    GatewaySource,
    OnnxSource,
    OptionError,
    ServerSource,
    SuiteSource,
)
from app.evaluation.runs.evaluating import Candidate, Trying
from app.evaluation.runs.through_gateway import GatewayTrial
from app.evaluation.runs.trial import Trial
from app.evaluation.subjects.sets import load_test_set
from app.evaluation.subjects.subject import Subject
from app.gateway.policy import Policy
from app.pictures.references import load_references
from app.ports import OnnxError
from app.remote_gateway.gateway import RunningGateway
from app.settings import FailurePolicy, Settings
from app.wiring import Server, open_onnx, open_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from app.evaluation.attacks.attacks import Attack
    from app.evaluation.command.options import Options, Place
    from app.evaluation.plan import Errand
    from app.evaluation.records import Stream
    from app.evaluation.subjects.suite import Exercise
    from app.ports import InputSize, Model
    from app.settings import SearchMode, Strategy

MAX_PIXELS: int = Settings.model_fields["max_pixels"].default

PATIENCE_S = 3600.0
"""An evaluation waits for what a client wouldn't."""


@dataclass(frozen=True)
class Opened:
    """What is evaluated, and how a run of it is made."""

    candidates: Sequence[Candidate]
    trial: Callable[[Subject, Stream, Errand], Trying]


@asynccontextmanager
async def opened(options: Options) -> AsyncIterator[Opened]:
    """Open what *options* name.

    Raises OptionError, and the errors of whatever can't be opened: OnnxError, GatewayError,
    UpstreamError, ImageSetError, StampError.
    """
    in_process = partial(_trial, options)
    match options.source:
        case FieldSource():
            message = "the field's table has a course of its own: command.field"
            raise AssertionError(message)
        case SuiteSource(kinds):
            yield Opened(_exercises(kinds), in_process)
        case OnnxSource() as source:
            model = await asyncio.to_thread(_model, source)
            yield Opened(await _subjects(source.file.stem, model, source), in_process)
        case ServerSource() as source:
            async with open_server(_server(source), source.input, PATIENCE_S) as server:
                await server.check()
                yield Opened(await _subjects(source.model, server, source), in_process)
        case GatewaySource() as source:
            async with RunningGateway(source.url, source.size, source.key) as gateway:
                await gateway.check()
                trial = partial(_gateway_trial, gateway)
                yield Opened(await _subjects(source.url, gateway, source), trial)


def _exercises(kinds: Sequence[str]) -> tuple[Candidate, ...]:
    """Return our own models with the attacks of these *kinds*; each is trained when it is made."""
    from app.evaluation.subjects.suite import suite  # noqa: PLC0415  # scikit-learn is slow to load

    known = {exercise.name: exercise for exercise in suite()}
    for kind in kinds:
        if kind not in known:
            message = f"--suite has no attack {kind!r}: choose from {', '.join(known)}"
            raise OptionError(message)
    return tuple(_exercise(known[kind]) for kind in kinds or known)


def _exercise(exercise: Exercise) -> Candidate:
    return Candidate(
        exercise.name, exercise.attack is not None, lambda: asyncio.to_thread(exercise.subject)
    )


async def _subjects(
    name: str, model: Model, source: ServerSource | OnnxSource | GatewaySource
) -> tuple[Candidate, ...]:
    """Return *model* with each of the triggers that were given, or without one."""
    size, names = model.size, source.test.class_names
    attacks = [_attack(place, size, names) for place in source.test.triggers]
    test = await asyncio.to_thread(
        load_test_set, source.test.images, size, max_pixels=MAX_PIXELS, class_names=names
    )
    references = test.images[:0]  # a gateway has its own
    if not isinstance(source, GatewaySource):
        references = await asyncio.to_thread(
            load_references, source.reference, size, max_pixels=MAX_PIXELS
        )
    plain = Subject(name, model, references, test.images, test.labels, names, None)
    if len(attacks) <= 1:
        return (_ready(replace(plain, attack=attacks[0] if attacks else None)),)
    return tuple(
        _ready(replace(plain, name=f"{name}, trigger {number}: {attack.name}", attack=attack))
        for number, attack in enumerate(attacks, start=1)
    )


def _ready(subject: Subject) -> Candidate:
    async def make() -> Subject:
        return subject

    return Candidate(subject.name, subject.attack is not None, make)


def _attack(place: Place, size: InputSize, names: Sequence[str]) -> Attack:
    target = _class_index(place.target, names)
    stamp = read_stamp(place.picture, place.x, place.y, target, size)
    return Backdoor(place.picture.name, (stamp,), ToOne(target))


def _class_index(word: str, names: Sequence[str]) -> int:
    if word in names:
        return names.index(word)
    if word.isdecimal():
        return int(word)
    message = (
        f"--target {word!r} is not a class: give its number, or its name in the file of --labels"
    )
    raise OptionError(message)


def _server(source: ServerSource) -> Server:
    return Server(
        source.url, source.model, source.protocol, source.outputs, source.test.class_names
    )


def _model(source: OnnxSource) -> Model:
    try:
        return open_onnx(source.file, source.input)
    except OnnxError as exc:
        raise OnnxError(_in_options(str(exc))) from exc


def _in_options(text: str) -> str:
    """Name the options of `evaluate` for the settings of the same names."""
    return re.sub(r"NEO_INPUT_(\w+)", lambda found: f"--input-{found[1].lower()}", text)


def usual_policy(strategy: Strategy, search: SearchMode, trigger_max: float) -> Policy:
    """Return the policy of an evaluation: the settings' defaults, and no hurry."""
    defaults = Settings.model_fields
    return Policy(
        strategy=strategy,
        search=search,
        patience_s=PATIENCE_S,
        on_failure=FailurePolicy.CLOSED,
        probe_budget=None,
        paper=Parameters(
            lambda_t=defaults["lambda_t"].default,
            delta_t=defaults["delta_t"].default,
            check_size=defaults["check_size"].default,
            size=trigger_max,
        ),
    )


def _trial(options: Options, subject: Subject, stream: Stream, errand: Errand) -> Trying:
    assert errand.strategy is not None  # noqa: S101  # only a gateway has its own
    policy = usual_policy(errand.strategy, options.search, options.trigger_max)
    return Trial(subject, stream, policy, errand.seed, trigger_max=options.trigger_max)


def _gateway_trial(
    gateway: RunningGateway, subject: Subject, stream: Stream, errand: Errand
) -> Trying:
    return GatewayTrial(subject, stream, gateway, errand.seed)
