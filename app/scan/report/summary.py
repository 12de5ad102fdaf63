"""What a scan has found, in a terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.table import Table

from app.scan.report.rows import rows
from app.scan.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Names = Callable[[int], str | None]

    from rich.console import Console

    from app.ports import Entry
    from app.scan.state.state import State


@dataclass
class Summary:
    """How many rows have each verdict, and each trigger; the ``inferences`` of all."""

    verdicts: Counter[str] = field(default_factory=Counter)
    triggers: Counter[str] = field(default_factory=Counter)
    inferences: int = 0

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self.verdicts.total()


def summary(state: State) -> Summary:
    """Return what the rows of *state* come to."""
    summed = Summary()
    for row in rows(state):
        summed.verdicts[row["verdict"]] += 1
        if row["trigger"]:
            summed.triggers[row["trigger"]] += 1
    summed.inferences = state.inferences()
    return summed


def show(console: Console, summed: Summary, entries: Sequence[Entry], names: Names) -> None:
    """Print *summed*, and the triggers that *entries* are; *names* tells a class's name."""
    table = Table(title="What the images are", title_justify="left")
    table.add_column("verdict")
    table.add_column("images", justify="right")
    for verdict in Verdict:
        if summed.verdicts[verdict] or verdict in {Verdict.CLEAN, Verdict.BACKDOOR}:
            table.add_row(verdict, f"{summed.verdicts[verdict]:,}")
    console.print(table)
    if entries:
        console.print(_triggers(summed, entries, names))


def _triggers(summed: Summary, entries: Sequence[Entry], names: Names) -> Table:
    table = Table(title="Triggers", title_justify="left")
    for column in ("id", "leads to", "at", "size"):
        table.add_column(column)
    for column in ("carries", "heals", "images"):
        table.add_column(column, justify="right")
    for entry in reversed(entries):
        trigger, evidence = entry.trigger, entry.trigger.evidence
        table.add_row(
            entry.id,
            names(trigger.target) or str(trigger.target),
            f"{trigger.box.x},{trigger.box.y}",
            f"{trigger.box.width}x{trigger.box.height}",
            f"{evidence.carry_rate:.0%}",
            f"{evidence.heal_rate:.0%}",
            f"{summed.triggers[entry.id]:,}",
        )
    return table
