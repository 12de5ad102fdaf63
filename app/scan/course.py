"""The course of a scan: wave by wave, each written as a whole before the next one begins.

First the search: the sample, or all pictures, are screened in full. Then the comparison: whatever
wasn't looked at with all that is known by now is compared with the triggers, and what may carry one
is verified. A wave begins with what is known then, and what it shows counts from the next one on:
so the results don't depend on who was faster.
"""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import orjson

from app.kept import encode_library, encode_suspects
from app.scan.looking.drafts import decode_look, encode_look
from app.scan.looking.tasks import Task
from app.scan.sources.items import UnreadableError
from app.scan.state.calibrations import RATES
from app.scan.state.state import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.kept import MemoryTriggerLibrary
    from app.scan.concluding import Concluder
    from app.scan.engines.port import Engine
    from app.scan.looking.tasks import Look
    from app.scan.sources.items import Content
    from app.scan.sources.reading import Reader
    from app.scan.state.state import Known, Listed, State

SCREENED_AT_ONCE: Final = 128
COMPARED_AT_ONCE: Final = 2048
"""Pictures of a wave, at least: so much is done again after a crash."""
GROWTH: Final = 4
MOST_AT_ONCE: Final = 8192
"""A wave is as large as a quarter of those before it together, within these bounds.

What nobody has met in all these is rare in it, so hardly more is found twice. And a large one keeps
many processes busy: they wait for its last picture.
"""
SCREENED_TOGETHER: Final = 16
COMPARED_TOGETHER: Final = 128
"""Pictures of a task, which share batches to the model."""
SWEEPS: Final = 3
"""Comparisons of everything: in the first one triggers may become known better."""

LIBRARY: Final = "library"
SUSPECTS: Final = "suspects"
VERSION: Final = "version"


class Progress(Protocol):
    """What is told how far the scan has come."""

    def doing(self, what: str, total: int, done: int = 0) -> None:
        """Hear what begins: so many pictures, of which some are *done* already."""
        ...

    def step(self, pictures: int, found: int) -> None:
        """Hear that so many more are done, and how many triggers are known."""
        ...


@dataclass(frozen=True, eq=False)
class Means:
    """What a scan works with."""

    state: State
    engine: Engine
    reader: Reader
    concluder: Concluder
    library: MemoryTriggerLibrary
    progress: Progress


class Course:
    """A scan under way."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._state = means.state

    async def run(self, sample: int) -> None:
        """Screen a sample of so many pictures, and compare all. Raises EngineError."""
        last = self._state.last_of_sample(sample)
        await self._search(last, sample)
        for _ in range(SWEEPS):
            if not await self._compare():
                return

    async def _search(self, last: int, sample: int) -> None:
        done = self._state.count_screened(last)
        self._means.progress.doing("screening", sample, done)
        while wave := self._state.unscreened(last, _wave_size(SCREENED_AT_ONCE, done)):
            await self._wave(wave, screened=True)
            done += len(wave)

    async def _compare(self) -> bool:
        """Look at what is behind; return whether triggers have become known better by that."""
        version = self._means.concluder.knowledge.version
        count = self._state.count_behind(version)
        if not count:
            return False
        self._means.progress.doing("comparing", count)
        after, done = 0, self._state.count() - count
        while wave := self._state.behind(version, after, _wave_size(COMPARED_AT_ONCE, done)):
            after = wave[-1].id
            await self._wave(wave, screened=False)
            done += len(wave)
        return self._means.concluder.knowledge.version > version

    async def _wave(self, wave: Sequence[Listed], *, screened: bool) -> None:
        means = self._means
        reading = _Reading(wave, means, screened=screened)
        looks = reading.drafts
        async for number, told in means.engine.looks(reading.tasks()):
            new = dict(zip(reading.sent[number], told.looks, strict=True))
            if screened:
                drafts = {content: encode_look(look) for content, look in new.items()}
                self._state.keep_drafts({i: draft for i, draft in drafts.items() if draft})
            looks.update(new)
            means.concluder.rates.update(told.rates)
            means.progress.step(len(told.looks), len(means.library.entries()))
        known = self._state.known(reading.order)
        conclusions = await means.concluder.conclude(
            [(content, looks[content]) for content in reading.order if content in looks],
            known,
            screened=screened,
        )
        means.progress.step(len(wave) - len(looks), len(means.library.entries()))
        step = Step(
            reading.contents,
            reading.reasons,
            conclusions.pictures,
            conclusions.examples,
            self._facts(),
        )
        await asyncio.to_thread(self._state.write, step)

    def _facts(self) -> Mapping[str, bytes]:
        means = self._means
        return {
            LIBRARY: encode_library(means.library),
            SUSPECTS: encode_suspects(means.concluder.knowledge.suspects),
            VERSION: str(means.concluder.knowledge.version).encode(),
            RATES: orjson.dumps(means.concluder.rates),
        }


def _wave_size(least: int, done: int) -> int:
    return min(max(least, done // GROWTH), MOST_AT_ONCE)


class _Reading:
    """The pictures of a wave, read one after the other when somebody is free to look at them.

    ``order`` are their contents, each once; ``sent`` those of each task; ``drafts`` are looks of
    this wave that another start of the scan has left.
    """

    def __init__(self, wave: Sequence[Listed], means: Means, *, screened: bool) -> None:
        self.contents: dict[int, str] = {}
        self.reasons: dict[int, str] = {}
        self.order: dict[str, None] = {}
        self.sent: list[list[str]] = []
        self.drafts: dict[str, Look] = {}
        self._wave = wave
        self._means = means
        self._screened = screened

    def tasks(self) -> Iterator[Task]:
        """Yield tasks: of pictures that there is something to find out about."""
        knowledge = self._means.concluder.knowledge
        packed, self._rates = pickle.dumps(knowledge), dict(knowledge.rates)
        size = SCREENED_TOGETHER if self._screened else COMPARED_TOGETHER
        waiting: list[tuple[str, Content]] = []
        contents = self._means.reader.contents([listed.item for listed in self._wave])
        for listed, content in zip(self._wave, contents, strict=True):
            if isinstance(content, UnreadableError):
                self.reasons[listed.id] = str(content)
                continue
            waiting += self._new(listed.id, content, knowledge.version)
            if len(waiting) >= size:
                yield self._task(waiting, knowledge.version, packed)
                waiting = []
        if waiting:
            yield self._task(waiting, knowledge.version, packed)

    def _new(self, number: int, content: Content, version: int) -> list[tuple[str, Content]]:
        """Return *content* by its name, unless there is nothing more to find out about it."""
        name = content.name
        self.contents[number] = name
        if name in self.order:
            return []
        self.order[name] = None
        state = self._means.state
        known = state.known([name]).get(name)
        if known is not None and self._is_done(known, version):
            return []
        if self._screened and (draft := state.draft(name)) is not None:
            self.drafts[name] = decode_look(draft)
            return []
        return [(name, content)]

    def _is_done(self, known: Known, version: int) -> bool:
        return known.screened if self._screened else known.version >= version

    def _task(self, waiting: list[tuple[str, Content]], version: int, packed: bytes) -> Task:
        self.sent.append([name for name, _ in waiting])
        contents = [content for _, content in waiting]
        return Task(contents, self._screened, version, packed, self._rates)
