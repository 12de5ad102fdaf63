"""Work for a caller that has gone is ended."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive

AFTER_S: Final = 0.1
"""How long a request goes on before its caller is watched: most have their answer by then."""


class CallerGoneError(Exception):
    """The caller has closed the connection before the answer."""


@asynccontextmanager
async def unless_gone(receive: Receive) -> AsyncIterator[None]:
    """Do the work within the block as long as the caller is there; its body has been read.

    Cancels it when the connection is closed, and raises CallerGoneError.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # every request has its own
    watch = _Watch(receive, task)
    begin = asyncio.get_running_loop().call_later(AFTER_S, watch.begin)
    try:
        yield
    except asyncio.CancelledError:
        if not watch.gone:
            raise
        task.uncancel()
        raise CallerGoneError from None
    finally:
        begin.cancel()
        watch.end()


class _Watch:
    """Watches one caller, once it has begun."""

    def __init__(self, receive: Receive, task: asyncio.Task[object]) -> None:
        self.gone = False
        self._receive = receive
        self._task = task
        self._watching: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    def end(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._task.cancel()
