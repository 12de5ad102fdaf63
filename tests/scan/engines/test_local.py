"""Processes of this machine: one that dies takes a single picture with it."""

from __future__ import annotations

from app.scan.engines.local import Processes
from app.scan.engines.members import KILLER
from app.scan.looking.tasks import Passed, Task, Unusable
from app.scan.sources.items import Content
from tests.scan.engines.dying import DEADLY, DyingEquipment


def _task(*bodies: bytes) -> Task:
    return Task([Content(body) for body in bodies], screened=False, version=0, knowledge=b"")


async def test_a_picture_that_kills_has_a_row() -> None:
    """The others of its task are looked at by another process, and so are later tasks."""
    tasks = [_task(b"a", DEADLY, b"b"), _task(b"c"), _task(b"d")]
    async with Processes(1, DyingEquipment()) as engine:  # type: ignore[arg-type]  # as small
        told = {number: said.looks async for number, said in engine.looks(iter(tasks))}
    kinds = [[type(look) for look in told[number]] for number in range(3)]
    assert [[Passed, Unusable, Passed], [Passed], [Passed]] == kinds
    deadly = told[0][1]
    assert isinstance(deadly, Unusable)
    assert KILLER == deadly.reason
