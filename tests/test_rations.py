"""What happens often is told seldom, and its number is right."""

from __future__ import annotations

from app.rations import MOST_KEPT, Rations


def test_each_thing_is_told_once_in_a_while_with_how_often_it_was() -> None:
    """The first is told at once, the next when the time is over, with those in between."""
    now = 0.0
    rations = Rations(30.0, lambda: now)
    assert 1 == rations.take("one")
    now = 29.9
    assert [0, 0, 0] == [rations.take("one") for _ in range(3)]
    assert 1 == rations.take("other")
    now = 30.0
    assert [4, 0] == [rations.take("one"), rations.take("one")]
    now = 90.0
    assert 2 == rations.take("one")


def test_what_was_told_long_ago_is_forgotten_first() -> None:
    """However many things there are, so many are remembered."""
    rations = Rations(30.0, lambda: 0.0)
    for thing in range(MOST_KEPT + 1):
        assert 1 == rations.take(thing)
    assert [0, 1] == [rations.take(MOST_KEPT), rations.take(0)]
