"""Those who hear the events of all workers from this one: so many at most, each by a short queue.

Errors::

    TooManyListenersError   nobody more can hear them here for now
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.events.fleet import Fleet, Told

MOST_LISTENERS: Final = 32
"""Open pages of a team, and a few programs."""

MOST_WAITING: Final = 200
"""Events for one who doesn't read: who misses more comes again, and goes on where it was."""


class TooManyListenersError(Exception):
    """Nobody more can hear the events from this worker for now."""


class Listener:
    """One who hears; ``over`` once it is to hear no more."""

    def __init__(self) -> None:
        self.over = False
        self._waiting: deque[Told] = deque()
        self._stirred = asyncio.Event()

    def hear(self, told: Told) -> None:
        """Put an event into the queue; one that is full ends."""
        if len(self._waiting) >= MOST_WAITING:
            self.end()
        if not self.over:
            self._waiting.append(told)
            self._stirred.set()

    def end(self) -> None:
        """Let it hear no more, what waits included."""
        self.over = True
        self._waiting.clear()
        self._stirred.set()

    async def next(self, seconds: float) -> Told | None:
        """Wait for an event, so long at most; None if there is none, or it is over."""
        if not self._waiting and not self.over:
            self._stirred.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._stirred.wait()
            except TimeoutError:
                return None
        return self._waiting.popleft() if self._waiting else None


class Listeners:
    """All of this worker's."""

    def __init__(self) -> None:
        self._here: dict[Listener, Callable[[], None]] = {}
        self._closed = False

    def join(self, fleet: Fleet) -> Listener:
        """Return one more, who hears the events of *fleet* until it leaves.

        While this worker ends it is over at once. Raises TooManyListenersError.
        """
        if len(self._here) >= MOST_LISTENERS:
            message = f"{MOST_LISTENERS} hear the events from this worker already"
            raise TooManyListenersError(message)
        listener = Listener()
        self._here[listener] = fleet.hear(listener.hear, often=True)
        if self._closed:
            listener.end()
        return listener

    def leave(self, listener: Listener) -> None:
        """Let *listener* go."""
        self._here.pop(listener)()

    def close(self) -> None:
        """End them all: this worker ends, and the others tell the same."""
        self._closed = True
        for listener in self._here:
            listener.end()
