"""All tables of an evaluation, and how they look in a terminal."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from app.evaluation.report.tables.class_tables import class_tables
from app.evaluation.report.tables.detection_tables import detection_tables
from app.evaluation.report.tables.sheet import without_one_subject
from app.evaluation.report.tables.time_tables import time_tables
from app.evaluation.report.tables.trigger_tables import trigger_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import Console

    from app.evaluation.experiments.results import Results
    from app.evaluation.report.tables.sheet import Sheet

NAME_WIDTH = 16
"""Letters of a name that are not given up for figures."""

MOST_CLASSES = 12
"""That are listed in a terminal."""


def sheets(
    results: Results, names: Mapping[str, tuple[str, ...]], most_classes: int | None = None
) -> Iterator[Sheet]:
    """Return the tables of *results*. *names* are each subject's class names."""
    tables = chain(
        detection_tables(results, names),
        time_tables(results.timings),
        class_tables(results.classes, names, most_classes),
        trigger_tables(results.reconstructions, names),
    )
    return map(without_one_subject, tables)


def show(console: Console, results: Results, names: Mapping[str, tuple[str, ...]]) -> None:
    """Print the tables of *results*."""
    show_sheets(console, sheets(results, names, MOST_CLASSES))


def show_sheets(console: Console, some: Iterable[Sheet]) -> None:
    """Print tables."""
    for sheet in some:
        of = f"{sheet.experiment.upper()}: " if sheet.experiment else ""
        console.print(Text(f"\n{of}{sheet.title}", style="bold"))
        if sheet.rows:
            console.print(_table(sheet))
        for note in sheet.notes:
            console.print(Text(note, style="dim"))


def _table(sheet: Sheet) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for at, name in enumerate(sheet.head):
        if at < sheet.names:
            table.add_column(Text(name), min_width=_width(row[at] for row in sheet.rows))
        else:
            table.add_column(Text(name), justify="right")
    for row in sheet.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _width(words: Iterable[str]) -> int:
    return min(max(map(len, words), default=0), NAME_WIDTH)
