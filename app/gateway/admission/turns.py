"""CPU time for long searches: one step at a time, and no more than a third of the time.

A discovery's steps take milliseconds each, in the one thread that answers everybody. Where many go
on at once (a flood of images that need hundreds of probes) all other requests would wait for them
between any two of their own steps.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from app.ports import Caller


PAUSE = 2.0
"""How long the pause after a step is, as a multiple of the step."""


_AT_ONCE: AbstractAsyncContextManager[None] = nullcontext()


class Turns:
    """Lets long searches take turns; short ones don't wait. After a step it is *pause* times that.

    Without a pause, where nobody else is to be served, nobody waits for a turn either. Searches
    that go on behind an answer take turns as well, with a pause while any callers are ``waited``
    for: the images whose callers have no answer yet.
    """

    def __init__(self, pause: float = PAUSE) -> None:
        self.waited = 0
        self._lock = asyncio.Lock()
        self._pause = pause

    def turn(self, caller: Caller) -> AbstractAsyncContextManager[None]:
        """Do a step of a search within the block; if it is a long one, when its turn has come.

        The next turn begins after a pause: whoever came in the meantime is served first. A search
        alone asks the upstream in that time.
        """
        return _AT_ONCE if self.at_once(caller) else self._long_turn(caller)

    def at_once(self, caller: Caller) -> bool:
        """Say if *caller* needn't wait for a turn."""
        return not (caller.yields and self._pause)

    @asynccontextmanager
    async def _long_turn(self, caller: Caller) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        await self._lock.acquire()
        begun = loop.time()
        try:
            yield
        finally:
            pauses = caller.long or self.waited
            loop.call_later(pauses and self._pause * (loop.time() - begun), self._lock.release)
