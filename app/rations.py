"""What happens often is told once, and then from time to time with how often it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST_KEPT: Final = 1000
"""Things that are remembered: more than there are triggers, or ways to fail."""


@dataclass
class _Told:
    at: float
    untold: int = 0


class Rations:
    """Lets each thing through once in *every_s* by a *clock* in seconds, and counts the others."""

    def __init__(self, every_s: float, clock: Callable[[], float]) -> None:
        self._every_s = every_s
        self._clock = clock
        self._told: dict[Hashable, _Told] = {}

    def take(self, thing: Hashable) -> int:
        """Count *thing*; return how often it was since it was told last, or 0: not to be told."""
        now, before = self._clock(), self._told.get(thing)
        if before is not None and now < before.at + self._every_s:
            before.untold += 1
            return 0
        self._told.pop(thing, None)  # the one told last stands last
        self._told[thing] = _Told(now)
        if len(self._told) > MOST_KEPT:
            del self._told[next(iter(self._told))]
        return 1 + (before.untold if before else 0)
