"""What is shared with the other workers: the triggers, and what was measured on the references."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from app.detection.reference_set.references import Calibration
    from app.detection.trigger import Trigger


@dataclass(frozen=True)
class Restoration:
    """When a dismissed trigger was last restored, and when an image had carried it last by then."""

    at: datetime
    last_image_at: datetime


@dataclass(frozen=True, eq=False)
class Entry:
    """A trigger in the library. ``dismissed``: its owner has said that it is none.

    Its time to live counts from ``last_seen_at``: an image carried it then, or it was ``restored``.
    ``only``: it counts for this caller's images alone, since nobody else has shown it yet.
    """

    id: str
    trigger: Trigger
    discovered_at: datetime
    last_seen_at: datetime
    hits: int
    dismissed: bool = False
    restored: Restoration | None = None
    only: str | None = None

    @property
    def last_image_at(self) -> datetime:
        """When an image carried it last."""
        if self.restored is None or self.last_seen_at > self.restored.at:
            return self.last_seen_at
        return self.restored.last_image_at

    def counts_for(self, caller: str) -> bool:
        """Say if it is looked for in images of *caller*."""
        return self.only is None or self.only == caller

    def revealed_by(self, caller: str, *, alone: bool) -> Entry:
        """Return it as it is once an image of *caller* has revealed it again."""
        known_already = self.only is None or (alone and self.only == caller)
        return self if known_already else replace(self, only=None)

    def restored_at(self, moment: datetime) -> Entry:
        """Return it as it is when its owner restores it: long unseen, it would expire at once."""
        restored = Restoration(moment, self.last_image_at)
        return replace(self, dismissed=False, last_seen_at=moment, restored=restored)


@dataclass(frozen=True)
class Tally:
    """Images of all workers together: searched for new triggers, flagged, answered at all.

    One that was refused, and judged later in the background, counts as answered.
    """

    screened: int
    flagged: int
    answered: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(
            self.screened + other.screened,
            self.flagged + other.flagged,
            self.answered + other.answered,
        )

    def __sub__(self, other: Tally) -> Tally:
        """Return these without *other* ones."""
        return Tally(
            self.screened - other.screened,
            self.flagged - other.flagged,
            self.answered - other.answered,
        )


Samples = tuple["NDArray[np.uint8]", ...]
"""The pixels in a trigger's box, as they were in the images that hit it: each (h, w, channels)."""


class TriggerLibrary(Protocol):
    """The confirmed triggers, shared by all workers; reads come from this worker's own copy."""

    def entries(self) -> tuple[Entry, ...]:
        """Return the triggers that are not dismissed, newest first; no I/O."""
        ...

    def dismissed(self) -> tuple[Entry, ...]:
        """Return the triggers that are dismissed, newest first; no I/O."""
        ...

    def tally(self) -> Tally:
        """Return the counts of all workers, as last heard; no I/O."""
        ...

    def entry(self, trigger_id: str) -> Entry:
        """Return one trigger, dismissed ones too; no I/O. Raises UnknownTriggerError."""
        ...

    async def register(self, trigger: Trigger, caller: str = "", *, alone: bool = False) -> Entry:
        """Add *trigger*, or return the entry of the same trigger (maybe a dismissed one).

        An image of *caller* has revealed it; empty where callers can't be told apart. *alone*: by
        what other images of that caller had shown, so it counts for his alone, until what another
        one's shows is the same trigger. A full library may have no room for it; then the entry that
        is returned is not in it.
        """
        ...

    async def hit(
        self, trigger_id: str, sample: NDArray[np.uint8] | None, caller: str = ""
    ) -> Samples:
        """Count an image of *caller* that carried the trigger; return its samples, at most 8."""
        ...

    async def refine(self, trigger_id: str, trigger: Trigger) -> None:
        """Replace what is known of a trigger (its mask and patch) by something more exact.

        Raises UnknownTriggerError.
        """
        ...

    def count(self, *, screened: int = 0, flagged: int = 0, answered: int = 0) -> None:
        """Add to the tally; written in the background."""
        ...

    async def dismiss(self, trigger_id: str, by: str | None = None) -> Entry:
        """Stop using a trigger, on all workers; *by* names the key of who says so, if it has one.

        Raises UnknownTriggerError, LibraryError.
        """
        ...

    async def restore(self, trigger_id: str, by: str | None = None) -> Entry:
        """Use a dismissed trigger again. Raises UnknownTriggerError, LibraryError."""
        ...

    def problem(self) -> str | None:
        """Say why the shared store is out of reach, or None when all is well; no I/O."""
        ...


class CalibrationStore(Protocol):
    """What was measured on the reference set, computed by one worker and shared with all."""

    async def seed(self) -> int:
        """Return this deployment's secret seed, made on first use and the same for all workers.

        It changes only when it has become known. Raises LibraryError.
        """
        ...

    async def calibration(
        self,
        key: str,
        measure: Callable[[], Awaitable[Calibration]],
        outdated: Calibration | None = None,
    ) -> Calibration:
        """Return the calibration kept under *key*; one worker alone measures it if there is none.

        An *outdated* one counts as none, and is replaced. Errors of *measure* reach the worker that
        measured; another one then tries.
        """
        ...

    async def placebo_rates(self, key: str) -> dict[str, float]:
        """Return all placebo rates kept under *key*, by the name that the core gives them."""
        ...

    async def keep_placebo_rates(self, key: str, rates: Mapping[str, float]) -> None:
        """Keep more placebo rates under *key*."""
        ...
