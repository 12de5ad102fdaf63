"""What is waited for, in one line of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape

from app.bench.gateway import BenchError

if TYPE_CHECKING:
    from types import TracebackType

FINAL = "NEO_REFERENCE: "
"""In what a gateway lacks: a reference set that it can't use, and won't later."""


class Waiting:
    """Shows what goes on; where there is no terminal each step has a line. Not on stdout."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status = self._console.status("")
        self._said = ""

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()

    def say(self, what: str) -> None:
        """Show *what* goes on now."""
        if what == self._said:
            return
        self._said = what
        if self._console.is_terminal:
            self._status.update(escape(what))
        else:
            self._console.print(what, markup=False, highlight=False, soft_wrap=True)

    def lacking(self, what: str) -> None:
        """Show what the gateway still lacks. Raises BenchError if that won't come."""
        if FINAL in what:
            message = f"--reference: {what.partition(FINAL)[2]}"
            raise BenchError(message)
        self.say(f"The gateway gets ready; it asks the model some thousand images, once ({what})")
