"""A table before anybody has decided where it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.evaluation.plan import Experiment

SUBJECT = "Subject"
"""The first column of most tables."""


@dataclass(frozen=True)
class Sheet:
    """What an ``experiment`` shows: ``rows`` of as many words as the ``head`` has, ``notes`` below.

    The first ``names`` columns hold words, the others figures. The field's table is of none.
    """

    experiment: Experiment | None
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    names: int = 2


def without_one_subject(sheet: Sheet) -> Sheet:
    """Return *sheet* with its subject in the title, if there is only one."""
    if sheet.head[0] != SUBJECT or len({row[0] for row in sheet.rows}) != 1:
        return sheet
    return replace(
        sheet,
        title=f"{sheet.title}: {sheet.rows[0][0]}",
        head=sheet.head[1:],
        rows=tuple(row[1:] for row in sheet.rows),
        names=sheet.names - 1,
    )


def class_name(index: int, names: Sequence[str]) -> str:
    """Return what a class is called: its name, else its number."""
    return names[index] if index < len(names) else str(index)
