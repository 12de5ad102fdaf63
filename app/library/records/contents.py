"""What the shared store says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from app.library.records.names import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.ports import Entry, Samples, Tally

SAMPLES_KEPT = 8
"""Samples that are kept of each trigger."""


@dataclass(frozen=True, eq=False)
class Contents:
    """All triggers and counts at one version; ``full`` if there is no room for one more trigger.

    ``now`` is the store's time. ``expired`` are triggers that were dropped, with the moment since
    which nobody had seen them. ``seed`` is the deployment's secret; None before anybody has drawn
    it. ``schema`` is the number that was there; None where none was.
    """

    version: str
    entries: Mapping[str, Entry]
    full: bool
    tally: Tally
    now: datetime
    expired: Mapping[str, datetime] = field(default_factory=dict)
    seed: int | None = field(default=None, repr=False)
    schema: int | None = None

    @property
    def told_seed(self) -> int | None:
        """The secret, if an entry tells it: an older release wrote it into the evidence."""
        if self.seed is None:
            return None
        told = {entry.trigger.evidence.seed for entry in self.entries.values()}
        return self.seed if self.seed in told else None

    @property
    def is_older(self) -> bool:
        """Whether an older release's library was there: nothing of it is used."""
        return self.schema is not None and self.schema < SCHEMA_VERSION

    def has_dropped(self, entry: Entry) -> bool:
        """Tell if *entry* has expired, and no later hit is known here."""
        since = self.expired.get(entry.id)
        return since is not None and entry.last_seen_at <= since


@dataclass(frozen=True)
class Written:
    """The store took an entry, is now at ``version``, and gave ``evicted`` up for it."""

    version: str
    evicted: frozenset[str]


class Refusal(Enum):
    """Why the store didn't take an entry."""

    MOVED = "moved"
    """Its version isn't the expected one any more."""
    FULL = "full"
    """It has no room, and all that it holds is worth more than a new trigger."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What all workers together have counted; ``samples`` only of triggers that were told of.

    ``now`` is the store's time.
    """

    tally: Tally
    hits: Mapping[str, int]
    seen: Mapping[str, datetime]
    samples: Mapping[str, Samples]
    now: datetime
