"""The trigger library: reads from the worker's own copy, writes to Redis, follows the others.

Its rules are those of the package (`app.library`).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app import metrics
from app.events import Events, Kind
from app.library.counts import NOTHING, Fresh, Hits
from app.library.records.contents import Refusal, Written
from app.library.rules.capacity import confirmed
from app.library.rules.expiry import LIFETIMES
from app.library.shared.clock import StoreClock, steady_clock
from app.library.shared.reach import Reach
from app.library.worker_copy import Copy
from app.ports import Entry, LibraryError, StoreAwayError, UnknownTriggerError
from app.tracing import span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from numpy.typing import NDArray

    from app.detection.trigger import Trigger
    from app.library.rules.expiry import Lifetimes
    from app.library.shared.store import Store
    from app.ports import Samples, Tally

logger = logging.getLogger(__name__)

ATTEMPTS = 20
"""Times that a change is tried while other workers get theirs in first, which is progress too."""

TOLD_AT_ONCE = 20
"""Triggers whose hits are told in one exchange: eight samples of a large one are 0.2 MB."""


class RedisTriggerLibrary:
    """The port `TriggerLibrary` on Redis.

    `synchronise` and `exchange` are to be called all the time, in the background. Nothing else
    waits for Redis but `register` of a new trigger, while Redis is there, and `dismiss` and
    `restore`. *clock* is this worker's own: it tells only how much time goes by.
    """

    def __init__(
        self,
        store: Store,
        *,
        lifetimes: Lifetimes = LIFETIMES,
        clock: Callable[[], datetime] | None = None,
        events: Events | None = None,
    ) -> None:
        self._store = store
        self._lifetimes = lifetimes
        self._clock = StoreClock(clock or steady_clock())
        self._copy = Copy(capacity=store.capacity)
        self._fresh = Fresh()
        self._events = events or Events()
        self.reach = Reach(self._events, triggers="the trigger library has not been read yet")
        self._full = False
        self._told_seed: int | None = None
        self._finders: dict[str, str] = {}  # of what isn't written yet
        self.stirred = asyncio.Event()
        """Set when there is something to write, or to read: then `synchronise` is due."""
        self._talking = asyncio.Lock()  # one change of the version at a time from each worker

    def entries(self) -> tuple[Entry, ...]:
        """Return the triggers that are not dismissed, newest first; no I/O."""
        return self._copy.active

    def dismissed(self) -> tuple[Entry, ...]:
        """Return the triggers that are dismissed, newest first; no I/O."""
        return self._copy.dismissed

    def tally(self) -> Tally:
        """Return the counts of all workers, as last heard; no I/O."""
        return self._copy.tally + self._fresh.tally

    def entry(self, trigger_id: str) -> Entry:
        """Return one trigger, dismissed ones too; no I/O. Raises UnknownTriggerError."""
        try:
            return self._copy.entries[trigger_id]
        except KeyError:
            message = f"no trigger has the id {trigger_id}"
            raise UnknownTriggerError(message) from None

    def now(self) -> datetime:
        """Return the moment by the store's clock, as last heard; no I/O."""
        return self._clock()

    def problem(self) -> str | None:
        """Say why the shared store is out of reach, or None when all is well; no I/O."""
        return self.reach.problem()

    async def check(self) -> None:
        """Return if the library was read at least once, or raise StoreAwayError; no I/O.

        Before that a worker doesn't know what the others have found, and must not answer.
        """
        if self._copy.version is None:
            raise StoreAwayError(self.problem())

    async def register(self, trigger: Trigger, caller: str = "", *, alone: bool = False) -> Entry:
        """Add *trigger*, or return the entry of the same trigger (maybe a dismissed one).

        An image of *caller* has revealed it; empty where callers can't be told apart. *alone*: it
        counts for his images, until another one's reveals it too.

        It is in this worker's copy before anything is waited for. Without Redis it stays there and
        is written by the next `synchronise` that succeeds. If the library is full of what is worth
        more, the entry that is returned is not kept.
        """
        entry = self._copy.same_as(trigger)
        if entry is None:
            now = self._clock()
            only = caller if alone else None
            entry = Entry(f"t-{secrets.token_hex(6)}", trigger, now, now, hits=0, only=only)
            self._copy = self._copy.keeping(entry)
            self._finders = {i: c for i, c in self._finders.items() if i in self._copy.unwritten}
            self._finders[entry.id] = caller
            if entry.id not in self._copy.entries:
                self._unkept(entry)
        elif (shared := entry.revealed_by(caller, alone=alone)) is not entry:
            self._copy = self._copy.keeping(shared)
        if entry.id in self._copy.unwritten and not self.reach.problem("triggers"):
            with suppress(LibraryError), span("library"):
                await self.synchronise()
        return self._copy.same_as(trigger) or entry

    async def hit(
        self, trigger_id: str, sample: NDArray[np.uint8] | None, caller: str = ""
    ) -> Samples:
        """Count an image of *caller* that carried the trigger; return its samples (at most 8).

        A trigger that is gone has none.
        """
        if trigger_id not in self._copy.entries:
            return ()
        cut = () if sample is None else (np.array(sample),)
        hits = Hits(1, self._clock(), cut, frozenset({caller}))
        before, self._copy = self._copy, self._copy.hit(trigger_id, hits)
        self._tell_confirmed(before, {trigger_id})
        return self._copy.samples[trigger_id]

    async def refine(self, trigger_id: str, trigger: Trigger) -> None:
        """Replace what is known of a trigger; the others hear of it from the next `synchronise`.

        Raises UnknownTriggerError.
        """
        self._copy = self._copy.keeping(replace(self.entry(trigger_id), trigger=trigger))
        self.stirred.set()

    def count(self, *, screened: int = 0, flagged: int = 0, answered: int = 0) -> None:
        """Add to the tally; the others hear of it from the next `exchange`."""
        self._fresh.add(screened, flagged, answered)

    async def dismiss(self, trigger_id: str, by: str | None = None) -> Entry:
        """Stop using a trigger, on all workers. Raises UnknownTriggerError, LibraryError."""
        before, entry = await self._change(trigger_id, lambda one: replace(one, dismissed=True))
        if not before.dismissed:
            self._events.tell(Kind.TRIGGER_DISMISSED, trigger=trigger_id, by=by)
        return entry

    async def restore(self, trigger_id: str, by: str | None = None) -> Entry:
        """Use a dismissed trigger again, from now on. Raises UnknownTriggerError, LibraryError."""
        before, entry = await self._change(trigger_id, lambda one: one.restored_at(self._clock()))
        if before.dismissed:
            self._events.tell(Kind.TRIGGER_RESTORED, trigger=trigger_id, by=by)
        return entry

    async def synchronise(self) -> bool:
        """Read what the others have changed and write what only this worker knows.

        Returns whether the store may have lost something: it has been away, or has less than it
        had. Raises LibraryError.
        """
        async with self._talking:
            was_away = self.reach.problem("triggers") is not None
            try:
                with self.reach.noting("triggers"):
                    changed = await self._catch_up()
                    changed |= await self._renew_secret()
                    changed |= await self._drop_expired()
                    doubtful = was_away or (changed and bool(self._copy.unwritten))
                    await self._write_unwritten()
                    if doubtful:
                        await self._write_samples()
            finally:
                metrics.TRIGGERS.set(len(self._copy.active))
        return doubtful

    @property
    def has_counted(self) -> bool:
        """Whether there is something that the others haven't been told; no I/O."""
        pending = self._copy.pending
        return bool(pending.hits) or pending.tally + self._fresh.tally != NOTHING

    async def exchange(self) -> None:
        """Tell the others what was counted here, and hear what they have. Raises LibraryError."""
        async with self._talking:
            if self._copy.version is None or self._copy.unwritten:
                return  # the store would not know what the hits are hits of
            with self.reach.noting("counts"):
                self._copy = self._copy.counting(self._fresh.take())
                told = self._copy.pending.part(TOLD_AT_ONCE)
                heard = await self._store.exchange(told, self._copy.told_tally)
                self._clock.heard(heard.now)
                before, self._copy = self._copy, self._copy.hearing(heard, told)
                # Two workers with one image each: who tells his last hears of both.
                self._tell_confirmed(before, told.hits)

    async def _change(
        self, trigger_id: str, change: Callable[[Entry], Entry]
    ) -> tuple[Entry, Entry]:
        """Change what is kept of a trigger; return what it was, and what it is."""
        await self.synchronise()
        async with self._talking:
            for _ in range(ATTEMPTS):
                before = self.entry(trigger_id)
                if await self._write(change(before)):
                    return before, self.entry(trigger_id)
                await self._catch_up()
        message = "the trigger library is being changed too fast; try again"
        raise LibraryError(message)

    async def _catch_up(self) -> bool:
        """Bring the own copy up to the store's version; return whether it was behind."""
        if await self._store.version() == self._copy.version:
            return False
        contents = await self._store.load()
        self._clock.heard(contents.now)
        self._told_seed = contents.told_seed
        if contents.is_older:
            logger.warning(
                "an older release's library (schema %s) is in Redis; this one begins with an empty "
                "library, and finds again what that has found",
                contents.schema,
            )
        self._copy = self._copy.reloaded(contents)
        return True

    async def _renew_secret(self) -> bool:
        """Draw a new secret if an entry tells the one there is; return whether that was so."""
        if self._told_seed is None:
            return False
        await self._store.renew_seed(self._told_seed)
        logger.warning("a trigger's evidence told the secret of all draws; there is a new one")
        self._told_seed = None
        return await self._catch_up()

    async def _write_unwritten(self) -> None:
        """Write what only this worker knows, as far as the other workers let it for now."""
        attempts = ATTEMPTS
        while self._copy.unwritten and attempts:
            if not await self._write(self._copy.entries[self._copy.unwritten[0]]):
                await self._catch_up()
                attempts -= 1
        if self._copy.unwritten:
            self.stirred.set()

    async def _drop_expired(self) -> bool:
        """Have the store drop what has expired; return whether the own copy was behind it."""
        copy, now = self._copy, self._clock()
        expired = self._lifetimes.expired(copy.entries.values(), now)
        if not expired:
            return False
        await self._store.expire(expired, self._lifetimes, copy.version or "")
        changed = await self._catch_up()
        if gone := expired - self._copy.entries.keys():
            logger.info("expired, for no image carries them any more: %s", sorted(gone))
        return changed

    async def _write_samples(self) -> None:
        for trigger_id in tuple(self._copy.samples):
            await self._store.keep_samples(trigger_id, self._copy.told_samples(trigger_id))

    async def _write(self, entry: Entry) -> bool:
        """Write *entry*, or give it up if there is no room for it.

        Return False if the store has changed since the own copy was read: then neither is done.
        """
        copy = self._copy
        told = copy.without_pending(entry)
        match await self._store.put(
            told, copy.version or "", copy.confirmed_untold, self._finders.get(entry.id, "")
        ):
            case Written() as written:
                self._full = self._full and entry.id in copy.stored
                self._copy = self._copy.written(entry, written)
            case Refusal.FULL:
                self._copy = self._copy.without(frozenset({entry.id}))
                self._unkept(entry)
            case Refusal.MOVED:
                return False
        return True

    def _tell_confirmed(self, before: Copy, ids: Iterable[str]) -> None:
        """Tell which of the triggers *ids* have been confirmed since the copy *before*."""
        for trigger_id in ids:
            was, now = before.entries.get(trigger_id), self._copy.entries.get(trigger_id)
            if was and now and confirmed(now) and not confirmed(was):
                self._events.tell(Kind.TRIGGER_CONFIRMED, trigger=trigger_id, hits=now.hits)

    def _unkept(self, entry: Entry) -> None:
        """Count a trigger that there was no room for; say it when the library has become full."""
        metrics.TRIGGERS_UNKEPT.inc()
        if not self._full:
            logger.warning(
                "the trigger library is full, so %s is not kept and has to be found again: each of "
                "%d triggers was seen in two images or more; dismiss some that don't matter",
                entry.id,
                self._store.capacity,
            )
        self._full = True
