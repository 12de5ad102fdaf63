"""When a trigger's time is over, and the library of a process that is alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.library.memory import MemoryTriggerLibrary
from app.library.rules.expiry import PROVEN_HITS, Lifetimes
from app.ports import Entry, UnknownTriggerError
from tests.library.clocks import Clock
from tests.library.findings import NOW, entry, sample, trigger

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("kept", "hours"),
    [
        (entry("false"), 1),
        (entry("found", hits=1), 1),
        (entry("again", hits=PROVEN_HITS - 1), 1),
        (entry("proven", hits=PROVEN_HITS), 5),
        (replace(entry("seen"), discovered_at=NOW - DAY), 1),
    ],
)
def test_time_is_over_so_long_after_the_last_hit(kept: Entry, hours: int) -> None:
    """The last hit counts, not the discovery; enough hits make the time longer."""
    lifetimes = Lifetimes(probation=HOUR, proven=5 * HOUR)
    over = NOW + hours * HOUR
    assert frozenset() == lifetimes.expired([kept], over - timedelta(microseconds=1))
    assert {kept.id} == lifetimes.expired([kept], over)


@pytest.mark.parametrize("hits", [0, PROVEN_HITS])
def test_a_dismissed_triggers_time_is_never_over(hits: int) -> None:
    """A dismissed trigger stays dismissed, however long ago it was seen."""
    dismissed = entry("dismissed", hits=hits, dismissed=True)
    assert frozenset() == Lifetimes(HOUR, HOUR).expired([dismissed], NOW + 9999 * DAY)


async def test_a_false_discovery_expires() -> None:
    """A trigger that no image hits is gone after a day, and may be found anew."""
    clock = Clock()
    library = MemoryTriggerLibrary(clock=clock)
    kept = await library.register(trigger())
    clock.forward(DAY)
    assert () == library.entries()
    assert () == await library.hit(kept.id, sample(0))
    with pytest.raises(UnknownTriggerError, match=kept.id):
        library.entry(kept.id)
    assert kept.id != (await library.register(trigger())).id


async def test_a_hit_keeps_a_trigger() -> None:
    """Every hit gives a trigger another day; three give it thirty."""
    clock = Clock()
    library = MemoryTriggerLibrary(clock=clock)
    kept = await library.register(trigger())
    for _ in range(3):
        clock.forward(23 * HOUR)
        await library.hit(kept.id, sample(0))
    clock.forward(30 * DAY - HOUR)
    assert [kept.id] == [entry.id for entry in library.entries()]
    clock.forward(HOUR)
    assert () == library.entries()


async def test_a_restored_trigger_has_its_time_again() -> None:
    """A dismissed trigger waits for its owner; a restored one has a day like any other."""
    clock = Clock()
    library = MemoryTriggerLibrary(clock=clock)
    kept = await library.register(trigger())
    await library.dismiss(kept.id)
    clock.forward(400 * DAY)
    assert [kept.id] == [entry.id for entry in library.dismissed()]
    restored = await library.restore(kept.id)
    assert (restored,) == library.entries()
    clock.forward(DAY)
    assert () == library.entries()
