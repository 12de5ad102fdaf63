"""Work for a caller that has gone is ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Receive

AFTER_S: Final = 0.1
"""How long a request goes on before its caller is watched: most have their answer by then."""


class CallerGoneError(Exception):
    """The caller has closed the connection before the answer."""


class unless_gone:  # noqa: N801  # it reads as a word: `with unless_gone(receive):`
    """Does the work within the block as long as the caller is there; its body has been read.

    Cancels it when the connection is closed, and raises CallerGoneError. A class, and no generator:
    every request passes it.
    """

    def __init__(self, receive: Receive) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # every request has its own
        self._receive = receive
        self._task = task
        self._gone = False
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._begin = self._task.get_loop().call_later(AFTER_S, self._watch)

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._begin.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self._gone and kind is asyncio.CancelledError:
            self._task.uncancel()
            raise CallerGoneError from None

    def _watch(self) -> None:
        self._watching = asyncio.create_task(self._end_with_caller())

    async def _end_with_caller(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._task.cancel()
