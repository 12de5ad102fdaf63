"""The end of a wait: what `asyncio.timeout_at` does, at a third of its CPU time.

Each image passes one on its way, each request to the upstream another.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class until:  # noqa: N801  # it reads as a word: `with until(deadline):`
    """Does what is awaited within the block until *deadline*, by the clock of *loop*: the running.

    Then it is cancelled, and TimeoutError raised. Whoever else cancels the task does cancel it.
    """

    def __init__(self, deadline: float, loop: asyncio.AbstractEventLoop) -> None:
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101  # nothing waits outside of one
        self._loop = loop
        self._task = task
        self._deadline = deadline
        self._cancelled_before = task.cancelling()
        self._over = False

    def __enter__(self) -> None:
        self._timer = self._loop.call_at(self._deadline, self._end)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if not self._over:
            return
        ours_alone = self._task.uncancel() <= self._cancelled_before
        if ours_alone and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _end(self) -> None:
        self._over = True
        self._task.cancel()
