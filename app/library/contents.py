"""What the shared store says, and how much it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.ports import Entry, Samples, Tally

CAPACITY = 200
"""Triggers that are kept; the least recently seen go first."""

SAMPLES_KEPT = 8
"""Samples that are kept of each trigger."""


@dataclass(frozen=True, eq=False)
class Contents:
    """All triggers and counts at one version; ``full`` if there is no room for one more trigger.

    ``expired`` are triggers that were dropped, with the moment since which nobody had seen them.
    """

    version: str
    entries: Mapping[str, Entry]
    full: bool
    tally: Tally
    expired: Mapping[str, datetime] = field(default_factory=dict)

    def has_dropped(self, entry: Entry) -> bool:
        """Tell if *entry* has expired, and no later hit is known here."""
        since = self.expired.get(entry.id)
        return since is not None and entry.last_seen_at <= since


@dataclass(frozen=True)
class Written:
    """The store took an entry, is now at ``version``, and gave ``evicted`` up for it."""

    version: str
    evicted: frozenset[str]


@dataclass(frozen=True, eq=False)
class Heard:
    """What all workers together have counted; ``samples`` only of triggers that were told of."""

    tally: Tally
    hits: Mapping[str, int]
    seen: Mapping[str, datetime]
    samples: Mapping[str, Samples]
