"""Noticing a client that goes while nothing is read from it."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sized

LOOK_S: Final = 0.5
_HUNG_UP: Final[int] = getattr(select, "POLLRDHUP", select.POLLHUP)  # only Linux has the former


class Unheard:
    """Ends the connection of a client that goes while nothing is read from it.

    That is as long as requests of it are *waiting* for the answer to another: reading is paused
    then, and its end would only be met behind what it has sent.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, waiting: Sized
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting = waiting
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Look for its end from time to time."""
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._transport.is_closing() or not self._waiting:
            return
        if _hung_up(self._transport):
            self._transport.abort()
        else:
            self.watch()


def _hung_up(transport: asyncio.Transport) -> bool:
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), _HUNG_UP)
    return bool(poll.poll(0))
