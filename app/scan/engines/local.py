"""Processes of this machine, each with its own decoder and its own way to the model.

A process that dies at a picture (a decoder may crash, or memory run out) is replaced, and the
pictures of its task are looked at one by one: the one that kills the next process, too, gets a row
that says so. A process whose scan has died ends by itself: its pipe breaks.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from app.scan.engines.port import EngineError
from app.scan.engines.process import Failed, serve
from app.scan.looking.tasks import Looks, Unusable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from app.scan.engines.equipment import Equipment, GatewayEquipment
    from app.scan.looking.tasks import Look, Task

KILLER = "the process that looked at it died, twice"


class Processes:
    """The port `Engine`: so many processes, each with the same *equipment*.

    Use it as an async context manager.
    """

    def __init__(self, count: int, equipment: Equipment | GatewayEquipment) -> None:
        self._members = [_Member(equipment) for _ in range(count)]

    async def __aenter__(self) -> Self:
        with _one_thread_each():
            for member in self._members:
                member.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for member in self._members:
            member.stop()

    async def looks(self, tasks: Iterator[Task]) -> AsyncIterator[tuple[int, Looks]]:
        """Yield the number of each of *tasks*, and what is said of it. Raises EngineError."""
        numbered, taking = enumerate(tasks), asyncio.Lock()
        said: asyncio.Queue[tuple[int, Looks] | BaseException | None] = asyncio.Queue(1)

        async def work(member: _Member) -> None:
            try:
                while True:
                    async with taking:
                        one = await asyncio.to_thread(next, numbered, None)
                    if one is None:
                        break
                    number, task = one
                    await said.put((number, await member.look(task)))
                await said.put(None)
            except Exception as exc:  # noqa: BLE001  # whoever waits for the looks is to hear of it
                await said.put(exc)

        working = [asyncio.create_task(work(member)) for member in self._members]
        try:
            left = len(working)
            while left:
                match await said.get():
                    case None:
                        left -= 1
                    case BaseException() as error:
                        raise error
                    case looks:
                        yield looks
        finally:
            for one in working:
                one.cancel()
            await asyncio.gather(*working, return_exceptions=True)


class _Member:
    """One process, and the pipe to it."""

    def __init__(self, equipment: Equipment | GatewayEquipment) -> None:
        self._equipment = equipment
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")  # no thread of ours, and no lock, is in it
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._equipment), daemon=True)
        self._process.start()
        theirs.close()

    def stop(self) -> None:
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()  # who waits at it has heard its end by then

    async def look(self, task: Task) -> Looks:
        """Return what the process says of *task*. Raises EngineError."""
        try:
            return await self._told(task)
        except (EOFError, OSError):
            return await self._one_by_one(task)

    async def _one_by_one(self, task: Task) -> Looks:
        looks: list[Look] = []
        rates: dict[str, float] = {}
        self._restart()
        for content in task.contents:
            try:
                told = await self._told(replace(task, contents=[content]))
                looks += told.looks
                rates |= told.rates
            except (EOFError, OSError):
                self._restart()
                looks.append(Unusable(KILLER))
        return Looks(looks, rates)

    def _restart(self) -> None:
        self.stop()
        with _one_thread_each():
            self.start()

    async def _told(self, task: Task) -> Looks:
        answer = await asyncio.to_thread(self._exchange, task)
        if isinstance(answer, Failed):
            raise EngineError(answer.reason)
        return answer

    def _exchange(self, task: Task) -> Looks | Failed:
        assert self._pipe is not None  # noqa: S101  # it was started
        self._pipe.send(task)
        answer: Looks | Failed = self._pipe.recv()
        return answer


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let a process that is started here use one thread for arithmetic: they are the parallelism.

    It reads that from its environment before numpy is loaded.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
