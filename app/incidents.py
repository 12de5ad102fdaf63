"""Flagged images, as they are kept for whoever looks into an attack; and what admins have done.

A worker keeps what it hasn't written yet (`Incidents`); the store keeps that of all.
"""

from __future__ import annotations

import enum
import logging
import re
import secrets
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from app.failures import LibraryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.detection.trigger import Evidence

MOST_KEPT: Final = 10_000
"""Incidents that the store keeps of one model: some 10 MB."""

MOST_ACTS: Final = 1000
"""What admins have done, of one model."""

MOST_WAITING: Final = 2000
"""Incidents that one worker keeps while the store is away; then the oldest go."""

LIVES: Final = timedelta(days=30)
"""How long one is kept, if nothing else is set."""

ID: Final = re.compile(r"([0-9]{16})-[0-9a-f]{8}")
"""An incident's id begins with its time in microseconds: in the order of their texts they are in
that of time."""

logger = logging.getLogger(__name__)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """A class, and its score where the model gives scores."""

    index: int
    score: float | None


@dataclass(frozen=True)
class Incident:
    """One image that carried a trigger.

    ``key`` is the name of the caller's key, None where none is needed. ``upstream`` is what the
    model said, ``sanitised`` what is right. ``evidence`` is the trigger's, with the terms of the
    sum that this image has made; None where it is in no library. ``sha256`` and ``size`` are of the
    bytes that were sent. ``address`` is where the image is kept, None where it isn't. ``late``: it
    was flagged when its caller had been answered. ``unlisted`` counts the images of the same
    trigger and key, since the one before it, that were too many to be listed.
    """

    id: str
    at: datetime
    request_id: str
    key: str | None
    upstream: Said
    sanitised: Said
    trigger_id: str
    screening: str
    evidence: Evidence | None
    sha256: str
    size: int
    mode: str
    address: str | None = None
    late: bool = False
    unlisted: int = 0


class Deed(enum.StrEnum):
    """What an admin has done to a trigger."""

    DISMISS = "dismiss"
    RESTORE = "restore"


@dataclass(frozen=True)
class Act:
    """What an admin has done: ``by`` is the name of the key, None where none is needed."""

    at: datetime
    deed: Deed
    trigger_id: str
    by: str | None
    request_id: str


@dataclass(frozen=True)
class Sought:
    """Which incidents are asked for: the newest ``count``, newest first.

    Of those before the one of the id ``before``, not older than ``since``, of one trigger.
    """

    count: int
    before: str | None = None
    since: datetime | None = None
    trigger_id: str | None = None


class IncidentStore(Protocol):
    """What all workers share of them."""

    async def incidents(self, sought: Sought) -> tuple[Incident, ...]:
        """Return those that are *sought*. Raises LibraryError."""
        ...

    async def note(self, act: Act) -> None:
        """Keep *act*. Raises LibraryError."""
        ...

    async def acts(self) -> tuple[Act, ...]:
        """Return what admins have done, newest first. Raises LibraryError."""
        ...


class Incidents:
    """One worker's incidents, until they are written; without a ``store`` they stay here.

    ``clock`` tells the store's time.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.clock = clock
        self.store: IncidentStore | None = None
        self._waiting: deque[Incident] = deque(maxlen=MOST_WAITING)
        self._acts: deque[Act] = deque(maxlen=MOST_ACTS)

    def keep(self, incident: Incident) -> None:
        """Keep one; it is written behind the answer."""
        self._waiting.append(incident)

    def waiting(self, most: int) -> tuple[Incident, ...]:
        """Return the first *most* that aren't written yet."""
        return tuple(islice(self._waiting, most))

    def written(self, incidents: Sequence[Incident]) -> None:
        """Forget those that the store has now."""
        done = {one.id for one in incidents}
        while self._waiting and self._waiting[0].id in done:
            self._waiting.popleft()

    async def sought(self, sought: Sought) -> tuple[Incident, ...]:
        """Return those that are *sought*, of all workers. Raises LibraryError."""
        if self.store is not None:
            return await self.store.incidents(sought)
        found = [one for one in self._waiting if _is_sought(one, sought)]
        return tuple(sorted(found, key=lambda one: one.id, reverse=True)[: sought.count])

    async def note(self, act: Act) -> None:
        """Keep what an admin has done; where the store can't take it, until it can."""
        self._acts.append(act)
        try:
            await self.note_rest()
        except LibraryError:
            logger.warning("what an admin has done is listed when the store is back")

    async def note_rest(self) -> None:
        """Have the store note what waits here. Raises LibraryError."""
        while self._acts and self.store is not None:
            act = self._acts.popleft()  # first: nobody else notes it meanwhile
            try:
                await self.store.note(act)
            except BaseException:
                self._acts.appendleft(act)
                raise

    async def acts(self) -> tuple[Act, ...]:
        """Return what admins have done, newest first. Raises LibraryError."""
        return tuple(reversed(self._acts)) if self.store is None else await self.store.acts()


def new_id(at: datetime) -> str:
    """Return the id of an incident of that moment."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1):016d}-{secrets.token_hex(4)}"


def _is_sought(one: Incident, sought: Sought) -> bool:
    return (
        (sought.before is None or one.id < sought.before)
        and (sought.since is None or one.at >= sought.since)
        and sought.trigger_id in {None, one.trigger_id}
    )
