"""Measuring the cells of the table, one after the other; what is done is kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from app.evaluation.field.defences import Ours, defences
from app.evaluation.field.measuring import Place, gauged_images, others, ours
from app.evaluation.field.models import open_model
from app.evaluation.field.streams import field_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.evaluation.field.cells import Cell
    from app.evaluation.field.columns import Columns, Store
    from app.evaluation.field.measuring import Screens
    from app.evaluation.runs.evaluating import Progress


@dataclass(frozen=True)
class Task:
    """What is to be measured: ``cells`` on streams of ``images``, kept in ``store``.

    ``earlier``: what earlier code of a defence was measured on isn't measured again. ``kept``:
    nothing is measured, what there is is read.
    """

    cells: Sequence[Cell]
    images: int
    screens: Screens
    store: Store
    earlier: bool = False
    kept: bool = False


class FieldWork:
    """What has come of a task so far: ``measured`` by cell, in the task's order."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.earlier: set[Cell] = set()
        """Those of what was measured that earlier code was measured by."""
        self._found: dict[Cell, Columns] = {}
        self._defences = defences(task.screens.trigger_max)

    @property
    def measured(self) -> dict[Cell, Columns]:
        """The columns of the cells that were measured."""
        return {cell: self._found[cell] for cell in self.task.cells if cell in self._found}

    async def work(self, progress: Progress) -> None:
        """Measure all cells. Whatever stops this, an error or a cancellation, is raised.

        Every model's first stream comes before any second one: where it is stopped each kind of
        attack has figures, if of fewer streams.
        """
        for cell in self.task.cells:
            if await asyncio.to_thread(self._read, cell):
                progress.errand_done()
        if self.task.kept:
            return
        missing = [cell for cell in self.task.cells if cell not in self._found]
        missing.sort(key=lambda cell: cell.seed)
        for _, some in groupby(missing, lambda cell: (cell.seed, cell.model)):
            await self._model(tuple(some), progress)

    def _read(self, cell: Cell) -> bool:
        columns = self.task.store.read(cell)
        if columns is None and self.task.earlier:
            columns = self.task.store.read_earlier(cell)
            if columns is not None:
                self.earlier.add(cell)
        if columns is not None:
            self._found[cell] = columns
        return columns is not None

    async def _model(self, cells: Sequence[Cell], progress: Progress) -> None:
        model = cells[0].model
        progress.doing(f"{model.name}: opening")
        subject, poisoned = await asyncio.to_thread(open_model, model)
        stamp = poisoned.stamp if poisoned else None
        for cell in cells:
            field = field_stream(subject, poisoned, cell.seed, self.task.images)
            place = Place(subject, field, cell.seed, stamp)
            defence = self._defences[cell.defence]
            if isinstance(defence, Ours):
                progress.doing(str(cell), len(field.wanted))
                columns = await ours(defence, place, self.task.screens, progress.step)
            else:
                gauged = len(gauged_images(defence, subject, cell.seed))
                progress.doing(str(cell), gauged + len(field.wanted))
                columns = await others(defence, place, progress.step)
            self.task.store.write(cell, columns)
            self._found[cell] = columns
            progress.errand_done()
