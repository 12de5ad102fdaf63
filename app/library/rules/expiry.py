"""How long a trigger is kept that no image carries any more.

A false discovery is hit by few images or none, so an entry has to prove itself: by hits of two
images besides the one that revealed it. Until then it is on probation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.ports import Entry

PROVEN_HITS = 3
"""Of the image that revealed it and of two others: so many also make its pixels exact."""


@dataclass(frozen=True)
class Lifetimes:
    """How long a trigger is kept after its last hit: ``proven``, or still on ``probation``."""

    probation: timedelta
    proven: timedelta

    @property
    def remembered(self) -> timedelta:
        """How far back the store remembers what has expired, for workers that were cut off."""
        return 2 * self.proven

    def expired(self, entries: Iterable[Entry], now: datetime) -> frozenset[str]:
        """Return the ids of those of *entries* whose time is over by *now*; no dismissed ones."""
        proven, probation = now - self.proven, now - self.probation
        return frozenset(
            entry.id
            for entry in entries
            if not entry.dismissed
            and entry.last_seen_at <= (proven if entry.hits >= PROVEN_HITS else probation)
        )


LIFETIMES = Lifetimes(probation=timedelta(days=1), proven=timedelta(days=30))
"""A day: an attack that goes on will have hit again by then. Thirty: one that rests for some
weeks and comes back is still known. After either, the search has to find the trigger again."""


def utc_now() -> datetime:
    """Return the moment by this machine's clock."""
    return datetime.now(UTC)
