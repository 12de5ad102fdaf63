"""Backdoors of every kind, and the worlds in which they are."""

from __future__ import annotations

from app.detection.geometry import Box
from tests.detection.scenes import World
from tests.tiny import BACKDOOR, TARGET, TRIGGER_BOX, Backdoor, Mark

ONE_CLASS = Backdoor(TRIGGER_BOX, TARGET, source=0)
ALL_TO_ALL = Backdoor(TRIGGER_BOX, None)
TWO_PIECES = Backdoor(Box(0, 0, 2, 2), TARGET, others=(Box(14, 14, 2, 2),))
MARK = Mark(Box(4, 9, 3, 3), 4, source=0)
"""The digit that tells two speed limits apart: a class that differs from another by it alone."""


def world(backdoor: Backdoor, *, channels: int = 3, scored: bool = True) -> World:
    """Return the usual world with this backdoor."""
    return World(backdoors=(backdoor,), channels=channels, scored=scored)


KINDS = {
    "plain": world(BACKDOOR),
    "one class": world(ONE_CLASS),
    "all to all": world(ALL_TO_ALL),
    "two pieces": world(TWO_PIECES),
}

BEYOND_FAST = {
    "one class": world(ONE_CLASS),
    "one class, labels": world(ONE_CLASS, scored=False),
    "one class, grey": world(ONE_CLASS, channels=1),
    "one class, large": World((48, 40), backdoors=(Backdoor(Box(20, 11, 5, 5), 1, source=3),)),
    "all to all": world(ALL_TO_ALL),
    "all to all, labels": world(ALL_TO_ALL, scored=False),
    "all to all, grey": world(ALL_TO_ALL, channels=1),
    "all to all, large": World((40, 48), backdoors=(Backdoor(Box(30, 0, 4, 4), None),)),
    "two pieces": world(TWO_PIECES),
    "two pieces, labels": world(TWO_PIECES, scored=False),
    "two pieces, grey": world(TWO_PIECES, channels=1),
    "two pieces, inside": world(Backdoor(Box(2, 3, 2, 2), TARGET, others=(Box(12, 11, 2, 2),))),
    "two pieces, large": World(
        (48, 48), backdoors=(Backdoor(Box(3, 38, 5, 5), TARGET, others=(Box(36, 4, 5, 5),)),)
    ),
    "two pieces, one class": world(
        Backdoor(Box(0, 1, 2, 2), TARGET, source=0, others=(Box(13, 14, 2, 2),))
    ),
}
