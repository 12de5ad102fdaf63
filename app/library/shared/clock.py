"""The store's clock, as a worker knows it: everything that expires is judged by that one alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class StoreClock:
    """It tells the store's time, by how far this worker's *own* clock is from it.

    While the store is away it goes on from there; before it was ever heard it is the own one.
    """

    def __init__(self, own: Callable[[], datetime]) -> None:
        self._own = own
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        """Return the moment."""
        return self._own() + self._ahead

    def heard(self, moment: datetime) -> None:
        """Go by *moment*, which the store has just told."""
        self._ahead = moment - self._own()


def steady_clock() -> Callable[[], datetime]:
    """Return a clock that begins at this machine's time, and never jumps when that is set."""
    began, ticks = datetime.now(UTC), time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - ticks)
