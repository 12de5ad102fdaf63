"""What a worker has counted and not yet told the others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from app.ports import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.ports import Entry, Samples

NOTHING: Final = Tally(0, 0)
"""No image at all."""


@dataclass(frozen=True, eq=False)
class Hits:
    """Images that carried one trigger: how many, when the last, what to keep of the first, whose.

    ``callers`` are the names of those who sent them; an empty one can't be told from others.
    """

    count: int
    last_at: datetime
    samples: Samples = ()
    callers: frozenset[str] = frozenset()

    def __add__(self, later: Hits) -> Hits:
        """Return these and *later* ones together."""
        return Hits(
            self.count + later.count,
            max(self.last_at, later.last_at),
            self.samples + later.samples,
            self.callers | later.callers,
        )

    def since(self, told: Hits) -> Hits:
        """Return the later ones of these, which begin with *told*."""
        samples = self.samples[len(told.samples) :]
        return Hits(self.count - told.count, self.last_at, samples, self.callers)

    def added_to(self, entry: Entry) -> Entry:
        """Return *entry* after these."""
        last_seen_at = max(entry.last_seen_at, self.last_at)
        return replace(entry, hits=entry.hits + self.count, last_seen_at=last_seen_at)


class Fresh:
    """Images counted lately, in place: every image is, and next to nothing may be done for it."""

    __slots__ = ("_answered", "_flagged", "_screened")

    def __init__(self) -> None:
        self._screened = self._flagged = self._answered = 0

    def add(self, screened: int, flagged: int, answered: int) -> None:
        """Count some more."""
        self._screened += screened
        self._flagged += flagged
        self._answered += answered

    @property
    def tally(self) -> Tally:
        """How many they are."""
        return Tally(self._screened, self._flagged, self._answered)

    def take(self) -> Tally:
        """Return how many they are, and begin again."""
        tally = self.tally
        self._screened = self._flagged = self._answered = 0
        return tally


@dataclass(frozen=True, eq=False)
class Counts:
    """Images counted since the last exchange: in all, and the hits of each trigger by its id."""

    tally: Tally = NOTHING
    hits: Mapping[str, Hits] = field(default_factory=dict)

    def plus(self, tally: Tally) -> Counts:
        """Return these and some more images."""
        return replace(self, tally=self.tally + tally)

    def plus_hits(self, trigger_id: str, hits: Hits) -> Counts:
        """Return these and more hits of a trigger."""
        earlier = self.hits.get(trigger_id)
        return replace(self, hits={**self.hits, trigger_id: earlier + hits if earlier else hits})

    def part(self, triggers: int) -> Counts:
        """Return these with the hits of so many *triggers* at most."""
        return replace(self, hits=dict(islice(self.hits.items(), triggers)))

    def since(self, told: Counts) -> Counts:
        """Return what was counted after *told*, from which these have grown."""
        later = {
            trigger_id: hits.since(told.hits[trigger_id]) if trigger_id in told.hits else hits
            for trigger_id, hits in self.hits.items()
        }
        return Counts(
            self.tally - told.tally,
            {trigger_id: hits for trigger_id, hits in later.items() if hits.count},
        )

    def renamed(self, names: Mapping[str, str]) -> Counts:
        """Return these with the hits of the triggers in *names* (old id to new) under the new ids.

        Their samples are left out: they were cut out with another box.
        """
        others = {old: hits for old, hits in self.hits.items() if old not in names}
        renamed = replace(self, hits=others)
        for old in names.keys() & self.hits.keys():
            renamed = renamed.plus_hits(names[old], replace(self.hits[old], samples=()))
        return renamed

    def added_to(self, entry: Entry) -> Entry:
        """Return *entry* after its hits that were counted here."""
        hits = self.hits.get(entry.id)
        return hits.added_to(entry) if hits else entry
