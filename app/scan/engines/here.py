"""In this process: nothing goes through a pipe, and one core is enough."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.ports import UpstreamError
from app.scan.engines.port import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.scan.looking.looker import Looker
    from app.scan.looking.tasks import Looks, Task


class Here:
    """The port `Engine`: one task after the other, by *looker*."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker

    async def looks(self, tasks: Iterator[Task]) -> AsyncIterator[tuple[int, Looks]]:
        """Yield the number of each of *tasks*, and what is said of it. Raises EngineError."""
        numbered = enumerate(tasks)
        while (one := await asyncio.to_thread(next, numbered, None)) is not None:
            number, task = one
            try:
                yield number, await self._looker.look(task)
            except UpstreamError as exc:
                raise EngineError(exc.explained) from exc
