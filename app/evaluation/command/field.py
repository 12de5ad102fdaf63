"""The field's table from the options to the files; Ctrl-C keeps what is done, and it goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import orjson

from app.evaluation.command.candidates import usual_policy
from app.evaluation.command.progress import Bars
from app.evaluation.field.cells import cells
from app.evaluation.field.columns import Store
from app.evaluation.field.defences import defences
from app.evaluation.field.figures import Row, rows
from app.evaluation.field.hyperparameters import Setting, hyperparameters
from app.evaluation.field.measuring import Screens
from app.evaluation.field.models import models
from app.evaluation.field.tables import field_tables
from app.evaluation.field.work import FieldWork, Task
from app.evaluation.report.page import Section, rendered
from app.evaluation.report.tables.tables import show_sheets
from app.logs import only_errors
from app.settings import SearchMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from app.evaluation.command.options import FieldSource, Options

FORMAT = 1
"""Of the JSON document."""

MEASURED = "measured"
"""The folder, in that of the models, where cells are kept."""


def run_field(options: Options, source: FieldSource, console: Console) -> bool:
    """Measure the table, then show and write it; return whether it did all that was asked.

    Raises FieldError, and one of `run.FAILURES`, after showing what was done until then.
    """
    work = FieldWork(_task(options, source))
    try:
        asyncio.run(_work(work, console))
    except KeyboardInterrupt:
        return False
    finally:
        _show(options, work, console)
    return True


def _task(options: Options, source: FieldSource) -> Task:
    most = options.trigger_max
    return Task(
        cells=cells(models(source.folder), defences(most), options.seeds, source.only),
        images=options.images,
        screens=Screens(partial(usual_policy, search=SearchMode.CONTINUE, trigger_max=most), most),
        store=Store(source.folder / MEASURED, options.images, most),
        earlier=source.earlier,
        kept=source.kept,
    )


async def _work(work: FieldWork, console: Console) -> None:
    with only_errors(), Bars(console, len(work.task.cells)) as bars:
        await work.work(bars)


@dataclass(frozen=True)
class _Document:
    format: int
    program: str
    made_at: str
    images: int
    trigger_max: float
    complete: bool
    missing: tuple[str, ...]
    defences: Mapping[str, Setting]
    rows: tuple[Row, ...]


def _show(options: Options, work: FieldWork, console: Console) -> None:
    measured, every = work.measured, len(work.task.cells)
    found = rows(measured, work.earlier)
    absent = tuple(str(cell) for cell in work.task.cells if cell not in measured)
    missing = len(absent)
    settings = hyperparameters(options.trigger_max)
    sheets = list(field_tables(found, settings))
    show_sheets(console, sheets)
    program, now = f"neo-gateway {version('neo-gateway')}", datetime.now(UTC)
    made_at = now.isoformat(timespec="seconds")
    if options.json:
        told = _Document(
            format=FORMAT,
            program=program,
            made_at=made_at,
            images=options.images,
            trigger_max=options.trigger_max,
            complete=not absent,
            missing=absent,
            defences=settings,
            rows=found,
        )
        options.json.write_bytes(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
        console.print(f"All figures: {options.json}", highlight=False, soft_wrap=True)
    if options.report:
        facts = f"{program}, {made_at}. Streams of {options.images} images."
        section = Section("Attacks and defences of the field", sheets)
        options.report.write_text(rendered(facts, missing, [section]), encoding="utf-8")
        console.print(f"The report: {options.report}", highlight=False, soft_wrap=True)
    if missing:
        goes_on = "without --kept they are measured" if work.task.kept else "again it goes on"
        text = f"{missing} of {every} cells are missing; {goes_on}."
        console.print(text, style="yellow", highlight=False)
