"""The last hour's minutes."""

from __future__ import annotations

from app.history import KEPT, History, Minute
from tests.library.clocks import Seconds


async def test_images_are_added_up_by_the_minute() -> None:
    """A minute has its images, flags, inferences, and the sum and the longest of the waits."""
    clock = Seconds(600.0)
    history = History(clock)
    history.add(flagged=False, probes=9, seconds=0.25)
    history.add(flagged=True, probes=300, seconds=0.5)
    clock.now = 659.9
    history.add(flagged=False, probes=1, seconds=0.001)
    clock.now = 660.0
    history.add(flagged=False, probes=2, seconds=0.002)
    assert {
        10: Minute(3, 1, 310, 751_000, 500_000),
        11: Minute(1, 0, 2, 2_000, 2_000),
    } == await history.all()


async def test_an_hour_is_kept() -> None:
    """What is older is forgotten, and what is still to come, by a clock that was set back."""
    clock = Seconds(0.0)
    history = History(clock)
    for number in range(KEPT + 9):
        clock.now = 60.0 * number
        history.add(flagged=False, probes=1, seconds=0.1)
    assert list(history.now()) == sorted(history.own())
    clock.now = 60.0 * 30
    history.add(flagged=False, probes=1, seconds=0.1)
    assert set(range(KEPT + 9)) > set(history.own())


def test_only_what_has_changed_is_told() -> None:
    """A minute that goes on after it was told is told again, one that is over isn't."""
    clock = Seconds(0.0)
    history = History(clock)
    history.add(flagged=False, probes=1, seconds=0.1)
    told = history.untold()
    history.add(flagged=False, probes=1, seconds=0.1)
    history.told(told)
    assert {0: Minute(2, 0, 2, 200_000, 100_000)} == history.untold()
    history.told(history.untold())
    assert {} == history.untold()
