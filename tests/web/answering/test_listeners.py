"""Who hears the events: so many at most, and none holds up anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.events import Event, Events, Kind
from app.events.fleet import Fleet, Told
from app.web.answering.listeners import (
    MOST_LISTENERS,
    MOST_WAITING,
    Listeners,
    TooManyListenersError,
)

TOLD = Told("", Event(Kind.TRIGGER_SEEN, datetime.now(UTC), {}, "e-1"))


@pytest.fixture
def fleet() -> Fleet:
    """Return what nobody hears yet."""
    return Fleet(Events())


async def test_who_has_joined_hears_until_it_leaves(fleet: Fleet) -> None:
    """Each event once; silence ends a wait without one."""
    listeners = Listeners()
    one = listeners.join(fleet)
    fleet.tell(TOLD)
    assert [TOLD, None] == [await one.next(1), await one.next(0.01)]
    assert fleet.hears_all
    listeners.leave(one)
    assert not fleet.hears_all


async def test_who_doesnt_read_ends(fleet: Fleet) -> None:
    """Nothing is kept for it any more; the others hear everything."""
    listeners = Listeners()
    slow, quick = listeners.join(fleet), listeners.join(fleet)
    for _ in range(MOST_WAITING + 1):
        fleet.tell(TOLD)
        assert TOLD == await quick.next(1)
    assert (True, None) == (slow.over, await slow.next(1))
    assert not quick.over


async def test_there_are_so_many_at_most(fleet: Fleet) -> None:
    """One more is refused, until one leaves."""
    listeners = Listeners()
    all_of_them = [listeners.join(fleet) for _ in range(MOST_LISTENERS)]
    with pytest.raises(TooManyListenersError, match="32 hear the events"):
        listeners.join(fleet)
    listeners.leave(all_of_them[0])
    listeners.join(fleet)


async def test_when_the_worker_ends_all_are_over(fleet: Fleet) -> None:
    """Those who are there, and those who come."""
    listeners = Listeners()
    before = listeners.join(fleet)
    listeners.close()
    after = listeners.join(fleet)
    fleet.tell(TOLD)
    assert [(True, None)] * 2 == [(one.over, await one.next(1)) for one in (before, after)]
