"""The events of all workers: a worker's own wait here to be told, those of all are heard here.

What is rare (a discovery, a model that has changed) and what comes with images (`OFTEN`) are kept
apart: however many images are flagged, they push nothing out that matters more. Nobody waits for
the store, and while it is away the newest events wait for it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from app.events.source import Event, Events, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

RARE_KEPT: Final = 1000
OFTEN_KEPT: Final = 100
"""How many events are kept of each, by the store and here while it is away."""

OFTEN: Final = frozenset({Kind.IMAGE_FLAGGED, Kind.IMAGE_SUSPICIOUS, Kind.TRIGGER_SEEN})
"""What an attacker can make happen at any rate."""


@dataclass(frozen=True)
class Told:
    """An event in the store; ``place`` is where it stands there, empty for what comes often.

    ``sent``: who told it has sent it outside already, as the store was away.
    """

    place: str
    event: Event
    sent: bool = False


@dataclass(eq=False)
class Waiting:
    """An event that the others don't know of yet, and whether it was sent outside."""

    event: Event
    sent: bool = False


class Stream(Protocol):
    """Where the events of all workers stand. Every method raises LibraryError."""

    async def since(self, place: str) -> Sequence[Told]:
        """Return the rare events after *place*, oldest first, not all at once; if it has any."""
        ...

    async def newest(self) -> str:
        """Return the place of the newest rare event."""
        ...

    def sending(self) -> AbstractAsyncContextManager[object]:
        """Yield what is true as long as this worker alone may send them outside."""
        ...

    async def sent_until(self) -> str | None:
        """Return up to which place all are sent, None if that was never said."""
        ...

    async def keep_sent_until(self, place: str) -> None:
        """Say up to which place all are sent."""
        ...


def is_later(place: str, than: str) -> bool:
    """Return whether one place is after another."""
    return _order(place) > _order(than)


def _order(place: str) -> tuple[int, ...]:
    return tuple(map(int, place.split("-")))


class Fleet:
    """What one worker knows of the events of all; ``stream`` is there once the store is opened.

    ``rare`` and ``often`` wait to be told.
    """

    def __init__(self, events: Events) -> None:
        self.rare: deque[Waiting] = deque(maxlen=RARE_KEPT)
        self.often: deque[Waiting] = deque(maxlen=OFTEN_KEPT)
        self.stream: Stream | None = None
        self._hearers: list[Callable[[Told], object]] = []
        self._hearers_of_all: list[Callable[[Told], object]] = []
        self._ids: dict[str, None] = {}
        events.hear(self._take)

    def _take(self, event: Event) -> None:
        (self.often if event.kind in OFTEN else self.rare).append(Waiting(event))
        if event.kind is Kind.GATEWAY_DEGRADED:  # the store that would tell it is away
            self.tell(Told("", event))

    @property
    def hears_all(self) -> bool:
        """Whether anybody hears what comes often, too."""
        return bool(self._hearers_of_all)

    def hear(self, hearer: Callable[[Told], object], *, often: bool = False) -> Callable[[], None]:
        """Call *hearer* with each event of any worker from now on; return what ends that.

        With what comes *often* only if it wants that.
        """
        hearers = self._hearers_of_all if often else self._hearers
        hearers.append(hearer)
        return lambda: hearers.remove(hearer)

    def tell(self, told: Told) -> None:
        """Let all who hear know of an event of any worker; of one that several tell once."""
        rare = told.event.kind not in OFTEN
        if rare and self._known(told.event.id):
            return
        for hearer in (*self._hearers_of_all, *(self._hearers if rare else ())):
            hearer(told)

    def _known(self, event_id: str) -> bool:
        """Return whether an event was told before; it was from now on."""
        if event_id in self._ids:
            return True
        self._ids[event_id] = None
        if len(self._ids) > RARE_KEPT:
            del self._ids[next(iter(self._ids))]
        return False
