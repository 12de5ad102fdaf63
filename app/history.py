"""What was answered, minute by minute, for the last hour: for people who look, not for alarms.

Each worker notes its own in memory, which costs an image half a microsecond; `app.library` shares
it. Prometheus keeps what has to last.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

MINUTE_S: Final = 60
KEPT: Final = 60
"""Minutes, beside the one that is going on."""


@dataclass(frozen=True)
class Minute:
    """What was answered in it: images, how many were flagged, inferences, waits in microseconds.

    ``probes`` counts the inferences, the images themselves included. ``waited_us`` is the sum of
    what the callers waited for, and ``slowest_us`` the longest.
    """

    images: int = 0
    flagged: int = 0
    probes: int = 0
    waited_us: int = 0
    slowest_us: int = 0

    def __add__(self, other: Minute) -> Minute:
        """Return what both together are."""
        return Minute(
            self.images + other.images,
            self.flagged + other.flagged,
            self.probes + other.probes,
            self.waited_us + other.waited_us,
            max(self.slowest_us, other.slowest_us),
        )


Minutes: TypeAlias = Mapping[int, Minute]
"""By their numbers, counted since 1970."""

Others: TypeAlias = Callable[[range], Awaitable[Minutes]]
"""What all other workers have answered in the minutes of these numbers. It raises LibraryError."""


async def _nobody(_: range) -> Minutes:
    return {}


class History:
    """One worker's minutes; ``others`` asks for those of all others, where there are any.

    *clock* is in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.others: Others = _nobody
        self._clock = clock
        self._rows: dict[int, list[int]] = {}
        self._untold: set[int] = set()

    def add(self, *, flagged: bool, probes: int, seconds: float) -> None:
        """Note an image that was answered after *seconds*; no I/O."""
        number = int(self._clock()) // MINUTE_S
        row = self._rows.get(number) or self._begun(number)
        waited = int(seconds * 1e6)
        row[0] += 1
        row[1] += flagged
        row[2] += probes
        row[3] += waited
        row[4] = max(row[4], waited)
        self._untold.add(number)

    def now(self) -> range:
        """Return the numbers of the minutes that are kept, the one that is going on the last."""
        last = int(self._clock()) // MINUTE_S
        return range(last - KEPT, last + 1)

    def own(self) -> Minutes:
        """Return this worker's."""
        return {number: Minute(*row) for number, row in self._rows.items()}

    def untold(self) -> Minutes:
        """Return those that have changed since they were `told`."""
        return {number: Minute(*self._rows[number]) for number in self._untold & self._rows.keys()}

    def told(self, minutes: Minutes) -> None:
        """Take it that the others know *minutes*; what was added since then they don't."""
        self._untold -= {n for n, minute in minutes.items() if Minute(*self._rows[n]) == minute}

    async def all(self) -> Minutes:
        """Return those of all workers. Raises LibraryError."""
        together = dict(self.own())
        for number, minute in (await self.others(self.now())).items():
            together[number] = together.get(number, Minute()) + minute
        return together

    def _begun(self, number: int) -> list[int]:
        """Return the row of a minute that begins, and forget what is too old."""
        self._rows = {n: row for n, row in self._rows.items() if number - KEPT <= n <= number}
        return self._rows.setdefault(number, [0] * 5)
