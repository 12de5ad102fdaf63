"""What the rows of a scan come to, and how that is shown in a terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from app.scan.report.rows import rows
from app.scan.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from app.ports import Entry
    from app.scan.state.state import State

    Names = Callable[[int], str | None]

LISTED: Final = 50
"""Unreadable files that are named."""
DAY_S: Final = 86_400


@dataclass
class Met:
    """Where and when a trigger appears: images by folder or archive, and by day since 1970."""

    images: int = 0
    places: Counter[str] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)


@dataclass
class Summary:
    """How many rows have each verdict; each trigger; the first ``unreadable`` with reasons.

    ``inferences`` are those of all pictures.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    triggers: dict[str, Met] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    inferences: int = 0

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self.verdicts.total()


def summary(state: State) -> Summary:
    """Return what the rows of *state* come to."""
    summed = Summary(inferences=state.inferences())
    for row in rows(state):
        summed.verdicts[row["verdict"]] += 1
        if row["trigger"]:
            _note(summed.triggers.setdefault(row["trigger"], Met()), row)
        if row["verdict"] == Verdict.UNREADABLE and len(summed.unreadable) < LISTED:
            summed.unreadable.append((row["path"], row["reason"]))
    return summed


def _note(met: Met, row: dict[str, Any]) -> None:
    met.images += 1
    met.places[row["path"].rpartition("/")[0].removesuffix("!") or "."] += 1
    if row["modified"] is not None:
        met.days[row["modified"] // DAY_S] += 1


def show(console: Console, summed: Summary, entries: Sequence[Entry], name: Names) -> None:
    """Print *summed*, and the triggers that *entries* are; *name* tells a class's name."""
    table = Table(title="What the images are", title_justify="left")
    table.add_column("verdict")
    table.add_column("images", justify="right")
    for verdict in Verdict:
        if summed.verdicts[verdict] or verdict in {Verdict.CLEAN, Verdict.BACKDOOR}:
            table.add_row(verdict, f"{summed.verdicts[verdict]:,}")
    console.print(table)
    if entries:
        console.print(_triggers(summed, entries, name))
    console.print(f"Inferences: {summed.inferences:,}, without calibrating", highlight=False)


def _triggers(summed: Summary, entries: Sequence[Entry], name: Names) -> Table:
    table = Table(title="Triggers", title_justify="left")
    for column in ("id", "leads to", "at", "size"):
        table.add_column(column)
    for column in ("carries", "heals", "images"):
        table.add_column(column, justify="right")
    for entry in reversed(entries):
        trigger, evidence = entry.trigger, entry.trigger.evidence
        met = summed.triggers.get(entry.id, Met())
        table.add_row(
            entry.id,
            name(trigger.target) or str(trigger.target),
            f"{trigger.box.x},{trigger.box.y}",
            f"{trigger.box.width}x{trigger.box.height}",
            f"{evidence.carry_rate:.0%}",
            f"{evidence.heal_rate:.0%}",
            f"{met.images:,}",
        )
    return table
