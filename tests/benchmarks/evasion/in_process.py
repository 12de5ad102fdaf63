"""The gateway's defence in this process: a library in memory, one calibration for all."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.detection.search import Probe, Refused, advance, refuse
from app.evaluation.command.candidates import usual_policy
from app.gateway.keeping.learning import Learner
from app.gateway.keeping.locking import lockout
from app.gateway.keeping.suspecting import Watch
from app.gateway.outcome import UnscreenedError
from app.gateway.preparation.prepared import Calibrator
from app.gateway.searching.conclusion import concluded
from app.gateway.searching.driving import Driver
from app.gateway.searching.examination import Examiner
from app.gateway.visit import Visit
from app.library.memory import MemoryTriggerLibrary
from app.ports import Arrival
from app.settings import SearchMode, Settings, Strategy
from app.suspects import Suspects
from app.wiring import library_in_memory
from tests.benchmarks.evasion.ground import Answer, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Image, Images, Search
    from app.detection.trigger import Trigger
    from app.evaluation.subjects.subject import Subject
    from app.gateway.preparation.prepared import Prepared
    from app.ports import InputSize

T = TypeVar("T")

NO_DOOR = "in process"

TRIGGER_MAX: float = Settings.model_fields["trigger_max"].default


class HasSubject(Protocol):
    """What is defended: a model and its clean images."""

    @property
    def subject(self) -> Subject:
        """As the evaluation takes it."""
        ...


@asynccontextmanager
async def in_process(
    target: HasSubject, seed: int, *, lockout_after: int = 0
) -> AsyncIterator[InProcess]:
    """Calibrate the references with the secret *seed*; *lockout_after* as the setting."""
    subject = target.subject

    def references(_: InputSize) -> Images:
        return subject.references

    _, store = library_in_memory(seed)
    calibrator = Calibrator(
        subject.model,
        store,
        references,
        identity=subject.name,
        trigger_max=TRIGGER_MAX,
        strategy=Strategy.FULL,
    )
    yield InProcess(subject, await calibrator.prepare(), lockout_after)


class InProcess:
    """The port `Ground`: everything that the gateway does behind its doors."""

    together = 1

    def __init__(self, subject: Subject, prepared: Prepared, lockout_after: int = 0) -> None:
        self.door = NO_DOOR
        self._subject = subject
        self._prepared = prepared
        policy = usual_policy(Strategy.FULL, SearchMode.CONTINUE, TRIGGER_MAX)
        self._policy = replace(policy, lockout_after=lockout_after)
        self._driver = Driver(subject.model, self._policy.patience_s)
        self._examiner = self._with(MemoryTriggerLibrary())

    async def reset(self, world: World) -> None:
        """Let a fresh library hold *world*."""
        library = MemoryTriggerLibrary()
        for trigger in world.dismissed:
            await library.dismiss((await library.register(trigger)).id)
        for trigger in reversed(world.triggers):
            await library.register(trigger)
        self._examiner = self._with(library)

    def forget(self) -> None:
        """Forget what the images so far have taught: triggers, suspects, and placebo rates."""
        self._examiner = self._with(MemoryTriggerLibrary(), self._prepared.apart({}))

    async def answers(self, images: Sequence[NDArray[Any]]) -> list[Answer]:
        """Answer *images*, one after the other."""
        return [await self._answer(image) for image in images]

    async def learnt(self) -> list[Trigger]:
        """Return the triggers that the library holds by now, newest first."""
        return [entry.trigger for entry in self._examiner.library.entries()]

    def _with(self, library: MemoryTriggerLibrary, prepared: Prepared | None = None) -> Examiner:
        learner = Learner(library, self._subject.model, self._policy.strategy)
        self._watch = Watch(Suspects())
        return Examiner(
            prepared or self._prepared,
            library,
            self._policy,
            learner,
            lockout=lockout(self._policy, None, None),
        )

    async def _answer(self, image: Image) -> Answer:
        rounds: list[Probe] = []
        visit = Visit(Arrival(image))
        examiner = replace(self._examiner, lookout=self._watch.of(visit, ""))
        search = _noting(examiner.examine(image, screened=True), rounds)
        driven = await self._driver.drive(search, visit)
        await asyncio.sleep(0)  # a model in this process never waits: Ctrl-C is heard here
        try:
            outcome = await concluded(image, driven, examiner, screened=True)
        except UnscreenedError:
            return Answer(None, flagged=False, inferences=driven.probes, rounds=len(rounds))
        await self._examiner.learner.settle()
        return Answer(outcome.prediction.index, outcome.backdoor, driven.probes, len(rounds))


def _noting(search: Search[T], rounds: list[Probe]) -> Search[T]:
    """Run *search*, and note its *rounds*."""
    step = advance(search)
    while isinstance(step, Probe):
        rounds.append(step)
        try:
            answers = yield step
        except Refused:
            return refuse(search)
        step = advance(search, step, answers)
    return step.result
