"""Progress in a terminal: the whole work, and what is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console


class Bars:
    """Two bars: the runs that were planned, and the images of the one in hand."""

    def __init__(self, console: Console, errands: int) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._whole = self._bars.add_task("All runs", total=errands)
        self._now = self._bars.add_task("Starting", total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def doing(self, what: str, steps: int | None = None) -> None:
        """Show what begins, in *steps* steps; None where their number isn't known."""
        self._bars.reset(self._now, description=what, total=steps)

    def step(self) -> None:
        """Move the bar of what is going on."""
        self._bars.advance(self._now)

    def errand_done(self) -> None:
        """Move the bar of the whole."""
        self._bars.advance(self._whole)
