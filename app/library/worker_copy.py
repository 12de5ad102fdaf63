"""The copy of the library that a worker reads from, and how it follows the store; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from app.library.counts import NOTHING, Counts
from app.library.records.contents import SAMPLES_KEPT
from app.library.rules.capacity import CAPACITY, confirmed, expendable
from app.library.rules.sameness import (
    COMPARED,
    is_at_one_place,
    is_dismissed_patch,
    same_trigger,
)
from app.ports import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.detection.trigger import Trigger
    from app.library.counts import Hits
    from app.library.records.contents import Contents, Heard, Written
    from app.ports import Entry, Samples


@dataclass(frozen=True, eq=False)
class Copy:
    """One worker's knowledge: the store's at ``version`` (None: never read), and its own.

    ``stored`` are the ids that the store has at that version. ``unwritten`` are those whose trigger
    is known better here than there: not stored yet, lost by the store, or refined. ``pending`` is
    counted here and not told; the hits in ``entries`` have it in them, ``told_tally`` hasn't.
    At most ``capacity`` of the triggers that the store has never had wait for it.
    """

    capacity: int = CAPACITY
    version: str | None = None
    entries: Mapping[str, Entry] = field(default_factory=dict)
    stored: frozenset[str] = frozenset()
    unwritten: tuple[str, ...] = ()
    samples: Mapping[str, Samples] = field(default_factory=dict)
    told_tally: Tally = NOTHING
    pending: Counts = field(default_factory=Counts)

    @cached_property
    def active(self) -> tuple[Entry, ...]:
        """The entries that are not dismissed, newest first."""
        return self._newest_first(dismissed=False)

    @cached_property
    def dismissed(self) -> tuple[Entry, ...]:
        """The entries that are dismissed, newest first."""
        return self._newest_first(dismissed=True)

    def _newest_first(self, *, dismissed: bool) -> tuple[Entry, ...]:
        entries = [entry for entry in self.entries.values() if entry.dismissed is dismissed]
        return tuple(sorted(entries, key=lambda e: (e.discovered_at, e.id), reverse=True))

    @property
    def tally(self) -> Tally:
        """The counts of all workers."""
        return self.told_tally + self.pending.tally

    def same_as(self, trigger: Trigger) -> Entry | None:
        """Return the entry of the same trigger, if there is one."""
        return _same(trigger, self.entries.values())

    def without_pending(self, entry: Entry) -> Entry:
        """Return *entry* with the hits that the others have been told of."""
        pending = self.pending.hits.get(entry.id)
        return replace(entry, hits=entry.hits - pending.count) if pending else entry

    def told_samples(self, trigger_id: str) -> Samples:
        """Return the samples of a trigger that the others have been told of."""
        kept, pending = self.samples.get(trigger_id, ()), self.pending.hits.get(trigger_id)
        return kept[: len(kept) - len(pending.samples)] if pending else kept

    @property
    def confirmed_untold(self) -> frozenset[str]:
        """The triggers of which the others may not know yet that a second image confirmed them."""
        known = self.pending.hits.keys() & self.entries.keys()
        return frozenset(i for i in known if confirmed(self.entries[i]))

    def counting(self, tally: Tally) -> Copy:
        """Return this copy after some more images."""
        counted = replace(self, pending=self.pending.plus(tally))
        # Its triggers are the same, and in the same order, and each image asks for them.
        counted.__dict__.update(active=self.active, dismissed=self.dismissed)
        return counted

    def hit(self, trigger_id: str, hits: Hits) -> Copy:
        """Return this copy after *hits* of a trigger that it knows; the first samples are kept."""
        kept = self.samples.get(trigger_id, ())
        hits = replace(hits, samples=hits.samples[: SAMPLES_KEPT - len(kept)])
        entry = hits.added_to(self.entries[trigger_id])
        return replace(
            self,
            entries={**self.entries, trigger_id: entry},
            samples={**self.samples, trigger_id: kept + hits.samples},
            pending=self.pending.plus_hits(trigger_id, hits),
        )

    def keeping(self, entry: Entry) -> Copy:
        """Return this copy with a trigger that the store doesn't have, or not so exactly.

        If too many wait, others make room for a new one; it is not kept if none can.
        """
        unstored = [self.entries[i] for i in self.unwritten if i not in self.stored]
        gone: frozenset[str] = frozenset()
        if entry.id not in self.entries and len(unstored) >= self.capacity:
            spare = expendable(unstored)
            if not spare:
                return self
            gone = frozenset({spare[0].id})
        return replace(
            self,
            entries={**self.entries, entry.id: entry},
            unwritten=(*(i for i in self.unwritten if i != entry.id), entry.id),
        ).without(gone)

    def written(self, entry: Entry, written: Written) -> Copy:
        """Return this copy after the store took *entry*.

        What was refined or counted here in the meantime stays.
        """
        here = self.entries.get(entry.id, entry)
        seen = max(here.last_seen_at, entry.last_seen_at)
        marked = replace(
            here, dismissed=entry.dismissed, restored=entry.restored, last_seen_at=seen
        )
        done = here.trigger is entry.trigger
        return replace(
            self,
            version=written.version,
            entries={**self.entries, entry.id: marked},
            stored=self.stored | {entry.id},
            unwritten=tuple(i for i in self.unwritten if not (done and i == entry.id)),
        ).without(written.evicted)

    def without(self, gone: frozenset[str]) -> Copy:
        """Return this copy without the triggers whose ids are *gone*."""
        if not gone:
            return self
        return replace(
            self,
            entries={i: e for i, e in self.entries.items() if i not in gone},
            stored=self.stored - gone,
            unwritten=tuple(i for i in self.unwritten if i not in gone),
            samples={i: some for i, some in self.samples.items() if i not in gone},
        )

    def reloaded(self, contents: Contents) -> Copy:
        """Return this copy brought up to *contents*.

        What only this worker knows stays, to be written: the triggers that it found or refined
        while it couldn't write, and those that the store has lost. What a full store doesn't have
        made room there, unless hits are known here that forbid it; what has expired there is not
        lost.
        """
        missing = self.stored - contents.entries.keys()
        own = [
            entry
            for entry in self.entries.values()
            if (
                entry.id in self.unwritten
                or (entry.id in missing and (confirmed(entry) or not contents.full))
            )
            and not contents.has_dropped(entry)
        ]
        elsewhere = {
            entry.id: same.id
            for entry in own
            if entry.id not in contents.entries
            and (same := _same(entry.trigger, contents.entries.values()))
        }
        pending = self.pending.renamed(elsewhere)
        entries = {i: pending.added_to(entry) for i, entry in contents.entries.items()}
        unwritten = [entry for entry in own if entry.id not in elsewhere]
        unwritten.sort(key=lambda entry: entry.last_seen_at)  # the last may need the first's room
        for entry in unwritten:
            there = entries.get(entry.id, entry)
            only = there.only if entry.only is not None else None  # once shared it stays so
            entries[entry.id] = replace(there, trigger=entry.trigger, only=only)
        return replace(
            self,
            version=contents.version,
            entries=entries,
            stored=frozenset(contents.entries),
            unwritten=tuple(entry.id for entry in unwritten),
            samples={i: some for i, some in self.samples.items() if i in entries},
            told_tally=_later(self.told_tally, contents.tally),
            pending=pending,
        )

    def hearing(self, heard: Heard, told: Counts) -> Copy:
        """Return this copy with the counts of all workers, which now have *told* in them."""
        pending = self.pending.since(told)
        entries = dict(self.entries)
        for i in entries.keys() & heard.hits.keys():
            seen = heard.seen.get(i, entries[i].last_seen_at)
            entries[i] = pending.added_to(
                replace(entries[i], hits=heard.hits[i], last_seen_at=seen)
            )
        samples = {
            i: (some + pending.hits[i].samples if i in pending.hits else some)[:SAMPLES_KEPT]
            for i, some in heard.samples.items()
        }
        return replace(
            self,
            entries=entries,
            samples={**self.samples, **samples},
            told_tally=heard.tally,
            pending=pending,
        )


def _later(a: Tally, b: Tally) -> Tally:
    # A tally never falls: where it has, the store has lost some of it.
    return Tally(
        max(a.screened, b.screened), max(a.flagged, b.flagged), max(a.answered, b.answered)
    )


def _same(trigger: Trigger, entries: Iterable[Entry]) -> Entry | None:
    # One in use protects, so it comes before one that was dismissed.
    dismissed, entries = _parted(entries)
    same = [entry for entry in entries if is_at_one_place(entry.trigger, trigger)]
    if not same:
        lately = sorted(entries, key=lambda entry: entry.last_seen_at, reverse=True)[:COMPARED]
        same = [entry for entry in lately if same_trigger(entry.trigger, trigger)]
    same += [entry for entry in dismissed if is_dismissed_patch(entry.trigger, trigger)]
    return next(iter(same), None)


def _parted(entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Return the dismissed ones, and the others."""
    every = list(entries)
    return [one for one in every if one.dismissed], [one for one in every if not one.dismissed]
