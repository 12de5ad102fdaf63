"""Members of an engine, of which each looks at one task at a time, and may die at a picture.

A decoder may crash, or memory run out. A member that died is replaced, and the pictures of its task
are looked at one by one: the one that kills the next member, too, gets a row that says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from app.scan.engines.answering import Failed
from app.scan.engines.port import EngineError
from app.scan.looking.tasks import Looks, Unusable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from app.scan.looking.tasks import Look, Task

KILLER: Final = "the process that looked at it died, twice"


class DiedError(Exception):
    """The member has died at its task."""


class Member(Protocol):
    """A process, wherever it is."""

    async def told(self, task: Task) -> Looks | Failed:
        """Return what it says of *task*. Raises DiedError."""
        ...

    async def restart(self) -> None:
        """Replace it by another one. Raises EngineError."""
        ...


async def shared_out(
    members: Sequence[Member], tasks: Iterator[Task]
) -> AsyncIterator[tuple[int, Looks]]:
    """Yield the number of each of *tasks*, and what one of *members* says of it.

    A task is taken only when a member is free. Raises EngineError.
    """
    numbered, taking = enumerate(tasks), asyncio.Lock()
    said: asyncio.Queue[tuple[int, Looks] | BaseException | None] = asyncio.Queue(1)

    async def work(member: Member) -> None:
        try:
            while True:
                async with taking:
                    one = await asyncio.to_thread(next, numbered, None)
                if one is None:
                    break
                number, task = one
                await said.put((number, await _looked(member, task)))
            await said.put(None)
        except Exception as exc:  # noqa: BLE001  # whoever waits for the looks is to hear of it
            await said.put(exc)

    working = [asyncio.create_task(work(member)) for member in members]
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


async def _looked(member: Member, task: Task) -> Looks:
    try:
        return await _told(member, task)
    except DiedError:
        await member.restart()
        return await _one_by_one(member, task)


async def _one_by_one(member: Member, task: Task) -> Looks:
    looks: list[Look] = []
    rates: dict[str, float] = {}
    for content in task.contents:
        try:
            told = await _told(member, replace(task, contents=[content]))
            looks += told.looks
            rates |= told.rates
        except DiedError:
            await member.restart()
            looks.append(Unusable(KILLER))
    return Looks(looks, rates)


async def _told(member: Member, task: Task) -> Looks:
    answer = await member.told(task)
    if isinstance(answer, Failed):
        raise EngineError(answer.reason)
    return answer
