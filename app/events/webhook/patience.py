"""When an event is posted again, and when it is given up."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from datetime import datetime

FIRST_S: Final = 1.0
LONGEST_S: Final = 300.0
"""Between two attempts: doubled each time, from the one to the other."""

LONGEST_ASKED_S: Final = 3600.0
"""More isn't waited, whatever Retry-After says."""

REFUSALS: Final = 5
"""Attempts for an event that is refused for what it is."""

OLDEST: Final = timedelta(days=1)
"""What is older is news to nobody any more."""

MAYBE_LATER: Final = frozenset({408, 425, 429})
GONE: Final = 410
SUCCESS, REDIRECTION, SERVER_ERROR = 200, 300, 500


class Outcome(enum.Enum):
    """What became of an attempt."""

    SENT = enum.auto()
    LATER = enum.auto()
    """The receiver isn't there, or can't now."""
    REFUSED = enum.auto()
    """It doesn't want this one, or leads elsewhere: redirects are not followed."""
    GONE = enum.auto()
    """It wants no more at all."""


def outcome(status: int) -> Outcome:
    """Return what an answer with this *status* means."""
    if SUCCESS <= status < REDIRECTION:
        return Outcome.SENT
    if status == GONE:
        return Outcome.GONE
    if status >= SERVER_ERROR or status in MAYBE_LATER:
        return Outcome.LATER
    return Outcome.REFUSED


@dataclass
class Patience:
    """With one event, which happened *at* a moment."""

    at: datetime
    chance: random.Random
    attempts: int = 0
    refusals: int = 0

    def pause_s(self, asked_s: float | None) -> float:
        """Return how long to wait after an attempt that failed; *asked_s*: by the receiver.

        By chance up to half of it more, so that not all senders of a receiver come at once.
        """
        usual_s = min(FIRST_S * 2.0**self.attempts, LONGEST_S)
        self.attempts = min(self.attempts + 1, 60)
        waited_s = max(usual_s, min(asked_s or 0.0, LONGEST_ASKED_S))
        return waited_s * (1 + self.chance.random() / 2)

    def is_over(self, result: Outcome, now: datetime) -> bool:
        """Return whether the event is given up after this *result*."""
        self.refusals += result is Outcome.REFUSED
        return self.refusals >= REFUSALS or now > self.at + OLDEST
