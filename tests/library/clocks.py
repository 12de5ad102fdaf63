"""A clock that tests set forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.library.findings import NOW

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class Clock:
    """It stands still until it is set forward."""

    def __init__(self) -> None:
        self._now = NOW

    def __call__(self) -> datetime:
        """Return the moment."""
        return self._now

    def forward(self, time: timedelta) -> None:
        """Set it forward by *time*."""
        self._now += time


@dataclass
class Seconds:
    """A clock in seconds, to be set."""

    now: float

    def __call__(self) -> float:
        """Return the time."""
        return self.now
