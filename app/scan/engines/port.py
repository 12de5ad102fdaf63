"""The port: tasks go in, what is said of them comes out, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.scan.looking.tasks import Looks, Task


class EngineError(Exception):
    """The pictures can't be looked at any more; the message says why, and what to do."""


class Engine(Protocol):
    """Looks at pictures."""

    def looks(self, tasks: Iterator[Task]) -> AsyncIterator[tuple[int, Looks]]:
        """Yield the number of each of *tasks*, and what is said of it.

        A task is taken only when somebody is free to work on it, so that few are ever in memory.
        Raises EngineError.
        """
        ...
