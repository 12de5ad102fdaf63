"""How far a scan has come: a bar in a terminal, else a line now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from app.scan.planning import duration

if TYPE_CHECKING:
    from rich.console import Console

EVERY_S: Final = 10.0


class Bar:
    """A bar with the pace, the time that is left, and what was found."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[found]}"),
            console=console,
        )
        self._task = self._bar.add_task("starting", total=None, pace="", found="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def doing(self, what: str, total: int, done: int = 0) -> None:
        """Show what begins."""
        self._pace = Pace(total, done)
        self._bar.reset(self._task, description=what, total=total, completed=done)

    def step(self, pictures: int, found: int) -> None:
        """Move the bar."""
        self._pace.step(pictures)
        self._bar.update(
            self._task,
            advance=pictures,
            pace=f"{self._pace.a_second:.1f}/s",
            found=triggers(found),
        )


class Lines:
    """A line every ten seconds, for whatever keeps what it says."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left open."""

    def doing(self, what: str, total: int, done: int = 0) -> None:
        """Hear what begins."""
        self._what, self._pace = what, Pace(total, done)
        self._next = time.monotonic() + EVERY_S

    def step(self, pictures: int, found: int) -> None:
        """Write a line if it is time for one."""
        self._pace.step(pictures)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            self._console.print(
                f"{self._what}: {self._pace.words()}; {triggers(found)}",
                highlight=False,
                soft_wrap=True,
            )


class Pace:
    """How fast it goes: *done* of *total* were done before."""

    def __init__(self, total: int, done: int = 0) -> None:
        self._total = total
        self._done = self._before = done
        self._since = time.monotonic()

    def step(self, pictures: int) -> None:
        """Count more pictures."""
        self._done += pictures

    @property
    def a_second(self) -> float:
        """Pictures a second."""
        return (self._done - self._before) / max(time.monotonic() - self._since, 1e-3)

    def words(self) -> str:
        """Return how far, how fast, and how long yet."""
        left = (self._total - self._done) / max(self.a_second, 1e-9)
        return (
            f"{self._done:,} of {self._total:,} images, {self.a_second:.1f} a second,"
            f" {duration(left)} left"
        )


def triggers(found: int) -> str:
    """Return how many triggers were found, in words."""
    return "no trigger" if not found else f"{found} trigger{'s' * (found > 1)}"
