"""Doing the runs of an evaluation, one after the other; what is done stays when it is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from app.evaluation.plan import FIRST_AT, Arrangement, Errand
from app.evaluation.runs.streams import all_poisoned, mixed_stream, stream_with_first_poisoned_at
from app.evaluation.runs.strip import Entropies, entropies, steps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from app.evaluation.records import Run, Screened, Stream
    from app.evaluation.subjects.subject import Subject


class Trying(Protocol):
    """A run in the making: a `Trial` here, or a `GatewayTrial` through a gateway."""

    screened: list[Screened]

    async def prepare(self) -> None:
        """Do what comes before the first image."""
        ...

    async def screen_all(self, progress: Callable[[], None]) -> None:
        """Screen the stream, image by image; *progress* is called after each."""
        ...

    def record(self) -> Run:
        """Return what is known by now."""
        ...


class Progress(Protocol):
    """What is told how far the work has come."""

    def doing(self, what: str, steps: int | None = None) -> None:
        """Hear what begins, in *steps* steps; None where their number isn't known."""
        ...

    def step(self) -> None:
        """Hear that one step of it is done."""
        ...

    def errand_done(self) -> None:
        """Hear that one of the planned runs is done."""
        ...


@dataclass(frozen=True)
class Candidate:
    """Something to be evaluated: its name, and how to make it, which may take a while.

    ``attacked``: an attack on it is known.
    """

    name: str
    attacked: bool
    make: Callable[[], Awaitable[Subject]]


@dataclass(frozen=True)
class Stint:
    """All work of an evaluation: ``errands`` come candidate by candidate.

    ``images`` is how long a stream is. With ``strip`` the baseline sees the mixed streams too.
    """

    candidates: Sequence[Candidate]
    errands: Sequence[Errand]
    images: int
    strip: bool
    trial: Callable[[Subject, Stream, Errand], Trying]


class Evaluation:
    """What has come of a stint so far: runs by their errand, entropies by subject and seed.

    A run that was stopped is among the ``runs``, but not ``done``.
    """

    def __init__(self, stint: Stint) -> None:
        self.stint = stint
        self.runs: dict[Errand, Run] = {}
        self.entropies: dict[tuple[str, int], Entropies] = {}
        self.class_names: dict[str, tuple[str, ...]] = {}
        self.done: set[Errand] = set()

    @property
    def missing(self) -> tuple[Errand, ...]:
        """The errands that weren't done to their end."""
        return tuple(one for one in self.stint.errands if one not in self.done)

    async def work(self, progress: Progress) -> None:
        """Do all errands. Whatever stops this, an error or a cancellation, is raised."""
        candidates = {one.name: one for one in self.stint.candidates}
        for name, errands in groupby(self.stint.errands, lambda errand: errand.subject):
            progress.doing(f"{name}: getting the model ready")
            subject = await candidates[name].make()
            self.class_names[name] = subject.class_names
            for _, some in groupby(errands, lambda errand: errand.seed):
                await self._seed(subject, tuple(some), progress)

    async def _seed(self, subject: Subject, errands: Sequence[Errand], progress: Progress) -> None:
        for errand in errands:
            stream = await asyncio.to_thread(self._stream, subject, errand)
            await self._run(subject, stream, errand, progress)
            progress.errand_done()
        mixed = next((one for one in errands if one.arrangement is Arrangement.MIXED), None)
        if self.stint.strip and mixed is not None:
            stream = await asyncio.to_thread(self._stream, subject, mixed)
            await self._strip(subject, stream, mixed, progress)

    async def _run(
        self, subject: Subject, stream: Stream, errand: Errand, progress: Progress
    ) -> None:
        what = _words(errand)
        progress.doing(f"{what}: preparing")
        trial = self.stint.trial(subject, stream, errand)
        try:
            await trial.prepare()
            progress.doing(what, len(stream.images))
            await trial.screen_all(progress.step)
            self.done.add(errand)
        finally:
            if trial.screened:
                self.runs[errand] = trial.record()

    async def _strip(
        self, subject: Subject, stream: Stream, errand: Errand, progress: Progress
    ) -> None:
        name, seed = errand.subject, errand.seed
        progress.doing(f"{name}, STRIP, seed {seed}", steps(subject, stream))
        found = await entropies(subject, stream, seed, progress.step)
        if found is not None:
            self.entropies[name, seed] = found

    def _stream(self, subject: Subject, errand: Errand) -> Stream:
        n = self.stint.images
        match errand.arrangement:
            case Arrangement.MIXED:
                return mixed_stream(subject, errand.seed, n)
            case Arrangement.ALL_POISONED:
                return all_poisoned(subject, errand.seed, n)
            case first:
                return stream_with_first_poisoned_at(subject, errand.seed, FIRST_AT[first], n)


def _words(errand: Errand) -> str:
    strategy = "" if errand.strategy is None else f", {errand.strategy}"
    return f"{errand.subject}{strategy}, {errand.arrangement}, seed {errand.seed}"
