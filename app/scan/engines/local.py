"""Processes of this machine, each with its own decoder and its own way to the model.

One whose scan has died ends by itself: its pipe breaks.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from app.scan.engines.members import DiedError, shared_out
from app.scan.engines.process import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from app.scan.engines.answering import Failed
    from app.scan.engines.equipment import Equipment, GatewayEquipment
    from app.scan.looking.tasks import Looks, Task


class Processes:
    """The port `Engine`: so many processes, each with the same *equipment*.

    Use it as an async context manager.
    """

    def __init__(self, count: int, equipment: Equipment | GatewayEquipment) -> None:
        self._members = [_Process(equipment) for _ in range(count)]

    async def __aenter__(self) -> Self:
        with _one_thread_each():
            for member in self._members:
                member.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for member in self._members:
            member.stop()

    def looks(self, tasks: Iterator[Task]) -> AsyncIterator[tuple[int, Looks]]:
        """Yield the number of each of *tasks*, and what is said of it. Raises EngineError."""
        return shared_out(self._members, tasks)


class _Process:
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

    async def restart(self) -> None:
        self.stop()
        with _one_thread_each():
            self.start()

    async def told(self, task: Task) -> Looks | Failed:
        try:
            return await asyncio.to_thread(self._exchange, task)
        except (EOFError, OSError) as exc:
            raise DiedError from exc

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
