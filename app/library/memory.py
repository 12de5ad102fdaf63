"""The library in this process alone: for an evaluation, and for whatever else needs no Redis."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Self

import numpy as np

from app.library.counts import Fresh, Hits
from app.library.rules.capacity import CAPACITY
from app.library.rules.expiry import LIFETIMES, Lifetimes, utc_now
from app.library.worker_copy import Copy
from app.ports import Entry, UnknownTriggerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from app.detection.reference_set.references import Calibration
    from app.detection.trigger import Trigger
    from app.ports import Samples, Tally


FOR_GOOD = Lifetimes(probation=timedelta(days=36_500), proven=timedelta(days=36_500))
"""Where nothing expires: what an archive holds is no older tomorrow."""


class MemoryTriggerLibrary:
    """The port `TriggerLibrary` without a store: the copy of a worker that is alone.

    The triggers' ids count: t-1, t-2, … They expire and make room as they do with a store.
    """

    def __init__(
        self,
        *,
        lifetimes: Lifetimes = LIFETIMES,
        clock: Callable[[], datetime] = utc_now,
        capacity: int = CAPACITY,
    ) -> None:
        self._copy = Copy(capacity=capacity)
        self._fresh = Fresh()
        self._numbers = count(1)
        self._lifetimes = lifetimes
        self._clock = clock

    @classmethod
    def of(cls, entries: Iterable[Entry], samples: Mapping[str, Samples]) -> Self:
        """Return a library of *entries* with their *samples*, in which nothing expires."""
        library = cls(lifetimes=FOR_GOOD)
        numbers = [0]
        for entry in entries:
            library._copy = library._copy.keeping(entry)
            numbers.append(int(entry.id.removeprefix("t-")) if entry.id[2:].isdecimal() else 0)
        library._copy = replace(library._copy, samples=dict(samples))
        library._numbers = count(max(numbers) + 1)
        return library

    def keep(self, entry: Entry) -> None:
        """Take *entry* as it is, in place of one of its id."""
        self._copy = self._copy.keeping(entry)

    @property
    def samples(self) -> Mapping[str, Samples]:
        """The samples of each trigger that has any."""
        return self._copy.samples

    def entries(self) -> tuple[Entry, ...]:
        """Return the triggers that are not dismissed, newest first."""
        return self._current().active

    def dismissed(self) -> tuple[Entry, ...]:
        """Return the triggers that are dismissed, newest first."""
        return self._current().dismissed

    def tally(self) -> Tally:
        """Return the counts."""
        return self._fresh.tally

    def entry(self, trigger_id: str) -> Entry:
        """Return one trigger, dismissed ones too. Raises UnknownTriggerError."""
        try:
            return self._current().entries[trigger_id]
        except KeyError:
            message = f"no trigger has the id {trigger_id}"
            raise UnknownTriggerError(message) from None

    def problem(self) -> str | None:
        """Return None: there is no store that could be out of reach."""
        return None

    async def check(self) -> None:
        """Return: there is nothing to be read first."""

    async def register(self, trigger: Trigger, caller: str = "", *, alone: bool = False) -> Entry:
        """Add *trigger*, or return the entry of the same trigger (maybe a dismissed one).

        A full library that has no room for it doesn't keep it.
        """
        same = self._current().same_as(trigger)
        if same is not None:
            return self._changed(same.revealed_by(caller, alone=alone))
        now, only = self._clock(), caller if alone else None
        entry = Entry(f"t-{next(self._numbers)}", trigger, now, now, hits=0, only=only)
        self._copy = self._copy.keeping(entry)
        return entry

    async def hit(
        self,
        trigger_id: str,
        sample: NDArray[np.uint8] | None,
        caller: str = "",  # noqa: ARG002  # one alone fills no library of several
    ) -> Samples:
        """Count an image that carried the trigger; return the samples kept so far (at most 8).

        A trigger that is gone has none.
        """
        if trigger_id not in self._current().entries:
            return ()
        hits = Hits(1, self._clock(), () if sample is None else (np.array(sample),))
        self._copy = self._copy.hit(trigger_id, hits)
        return self._copy.samples[trigger_id]

    async def refine(self, trigger_id: str, trigger: Trigger) -> None:
        """Replace what is known of a trigger. Raises UnknownTriggerError."""
        self._copy = self._copy.keeping(replace(self.entry(trigger_id), trigger=trigger))

    def count(self, *, screened: int = 0, flagged: int = 0, answered: int = 0) -> None:
        """Add to the tally."""
        self._fresh.add(screened, flagged, answered)

    async def dismiss(self, trigger_id: str, by: str | None = None) -> Entry:  # noqa: ARG002
        """Stop using a trigger. Raises UnknownTriggerError."""
        return self._changed(replace(self.entry(trigger_id), dismissed=True))

    async def restore(self, trigger_id: str, by: str | None = None) -> Entry:  # noqa: ARG002
        """Use a dismissed trigger again, from now on. Raises UnknownTriggerError."""
        return self._changed(self.entry(trigger_id).restored_at(self._clock()))

    def _current(self) -> Copy:
        """Return the copy without what has expired."""
        expired = self._lifetimes.expired(self._copy.entries.values(), self._clock())
        self._copy = self._copy.without(expired)
        return self._copy

    def _changed(self, entry: Entry) -> Entry:
        self._copy = self._copy.keeping(entry)
        return entry


class MemoryCalibrationStore:
    """The port `CalibrationStore` without a store; its *seed* is given."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._calibrations: dict[str, Calibration] = {}
        self._rates: dict[str, dict[str, float]] = {}

    async def seed(self) -> int:
        """Return the seed."""
        return self._seed

    async def calibration(
        self,
        key: str,
        measure: Callable[[], Awaitable[Calibration]],
        outdated: Calibration | None = None,
    ) -> Calibration:
        """Return the calibration kept under *key*, measured if there is none but an *outdated*."""
        if self._calibrations.get(key) is outdated:
            self._calibrations[key] = await measure()
        return self._calibrations[key]

    async def placebo_rates(self, key: str) -> dict[str, float]:
        """Return the placebo rates kept under *key*."""
        return dict(self._rates.get(key, {}))

    async def keep_placebo_rates(self, key: str, rates: Mapping[str, float]) -> None:
        """Keep more placebo rates under *key*."""
        self._rates.setdefault(key, {}).update(rates)
