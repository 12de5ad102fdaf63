"""A worker that is told to end goes on for a moment, so that nobody's request meets a closed door.

On SIGTERM it isn't ready any more and asks every client to go elsewhere (``Connection: close``),
but still answers all that comes. Load balancers have `LINGER_S` to notice; then the server ends as
it always does: it takes nothing new and finishes what it has. A second signal, or Ctrl-C, ends it
without the wait.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from app.gateway.readiness import Drain

LINGER_S: Final = 2.0


@contextmanager
def lingering(drain: Drain, linger_s: float = LINGER_S) -> Iterator[None]:
    """Within the block SIGTERM begins *drain*; the server hears of it *linger_s* later.

    To be entered in the server's loop. Without a server that ends by a signal, it does nothing.
    """
    hear = signal.getsignal(signal.SIGTERM)
    in_charge = threading.current_thread() is threading.main_thread()
    if not in_charge or not callable(hear):
        yield
        return
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if drain.begun:
            hear(number, frame)
            return
        drain.begin()
        loop.call_soon_threadsafe(loop.call_later, linger_s, hear, number, frame)

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, hear)
