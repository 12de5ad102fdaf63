"""What came of trying a part of what `serve` needs."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """How it is with a part."""

    OK = "ok"
    NOTE = "note"
    """It will do, and there is something to be said of it."""
    WRONG = "wrong"
    """`serve` would not be ready with it."""
    SKIPPED = "skipped"
    """It can't be tried before something else is mended."""


@dataclass(frozen=True)
class Result:
    """A ``part`` was tried: what was ``said`` of it, a line each."""

    part: str
    state: State
    said: tuple[str, ...]


def fine(part: str, *said: str, note: str | None = None) -> Result:
    """Return that *part* will do; with a *note*, if there is one."""
    if note is None:
        return Result(part, State.OK, said)
    return Result(part, State.NOTE, (*said, note))


def wrong(part: str, *said: str) -> Result:
    """Return that *part* won't do; what was *said* names what mends it."""
    return Result(part, State.WRONG, said)


def skipped(part: str, why: str) -> Result:
    """Return that *part* can't be tried yet."""
    return Result(part, State.SKIPPED, (why,))
