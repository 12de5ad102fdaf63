"""How a worker's copy follows the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from app.library.counts import Hits
from app.library.records.contents import Contents, Heard, Written
from app.library.rules.capacity import CAPACITY
from app.library.worker_copy import Copy
from app.ports import Entry, Tally
from tests.library.findings import NOW, entry, sample, trigger

NOTHING = Tally(0, 0)


def holding(*entries: Entry, version: str = "1-a", full: bool = False) -> Contents:
    """Return the contents of a store that holds *entries*."""
    return Contents(version, {one.id: one for one in entries}, full, NOTHING, NOW)


def hit(value: int = 0) -> Hits:
    """Return one hit."""
    return Hits(1, NOW + timedelta(seconds=1), (sample(value),))


def test_the_newest_comes_first() -> None:
    """The triggers in use are listed from the newest to the oldest, the dismissed ones are not."""
    old, dismissed = entry("old", 1), entry("dismissed", 2, dismissed=True)
    new = replace(entry("new", 3), discovered_at=NOW + timedelta(seconds=1))
    assert (new, old) == Copy().reloaded(holding(old, new, dismissed)).active


def test_what_the_store_has_lost_is_to_be_written() -> None:
    """A trigger that was in the store and isn't any more stays in use and goes back."""
    one, other = entry("one", 1), entry("other", 2)
    copy = Copy().reloaded(holding(one, other)).reloaded(holding(other, version="1-b"))
    assert ("t-one",) == copy.unwritten
    assert {"t-one", "t-other"} == set(copy.entries)


def test_what_a_full_store_gave_up_is_gone() -> None:
    """A trigger that a full store doesn't have any more was given up for a newer one."""
    one, other = entry("one", 1), entry("other", 2)
    copy = Copy().reloaded(holding(one, other)).reloaded(holding(other, version="1-b", full=True))
    assert () == copy.unwritten
    assert {"t-other"} == set(copy.entries)


def test_the_same_trigger_under_another_id_takes_the_hits() -> None:
    """What was found here while another worker wrote the same goes under the other's id."""
    copy = Copy().keeping(entry("mine")).hit("t-mine", hit())
    copy = copy.reloaded(holding(entry("theirs", hits=5)))
    assert {"t-theirs": 6} == {i: e.hits for i, e in copy.entries.items()}
    assert {"t-theirs": 1} == {i: hits.count for i, hits in copy.pending.hits.items()}
    assert () == copy.unwritten


def test_a_refinement_outlives_a_reload() -> None:
    """A refinement that is still to be written is not undone by what the store has."""
    refined = trigger(x=9)
    copy = Copy().reloaded(holding(entry("one")))
    copy = copy.keeping(replace(copy.entries["t-one"], trigger=refined))
    copy = copy.reloaded(holding(entry("one", hits=4, dismissed=True), version="2-b"))
    assert refined is copy.entries["t-one"].trigger
    assert (4, True) == (copy.entries["t-one"].hits, copy.entries["t-one"].dismissed)
    assert ("t-one",) == copy.unwritten


def test_a_refinement_during_a_write_is_written_next() -> None:
    """An entry that was refined while it was being written is to be written again."""
    first = entry("one")
    copy = Copy().keeping(first)
    copy = copy.keeping(replace(first, trigger=trigger(x=9)))
    copy = copy.written(first, Written("1-a", frozenset()))
    assert ("t-one",) == copy.unwritten
    assert () == copy.written(copy.entries["t-one"], Written("2-a", frozenset())).unwritten


def test_a_dismissed_trigger_doesnt_hide_one_in_use() -> None:
    """A finding that is the same as a dismissed trigger and as one in use is the latter."""
    used, dismissed = entry("used"), entry("dismissed", dismissed=True)
    for contents in (holding(used, dismissed), holding(dismissed, used)):
        assert used is Copy().reloaded(contents).same_as(trigger())


def test_a_dismissed_trigger_takes_in_only_what_shows_its_pixels() -> None:
    """At one place two entries in use are one, but what was dismissed says nothing of others."""
    dismissed = entry("dismissed", dismissed=True)
    other = replace(trigger(), patch=trigger().patch + 99)
    assert dismissed is Copy().reloaded(holding(dismissed)).same_as(trigger())
    assert Copy().reloaded(holding(dismissed)).same_as(other) is None
    used = entry("used")
    assert used is Copy().reloaded(holding(used)).same_as(other)


def test_counts_told_and_counted_since_add_up() -> None:
    """Hits that came in during an exchange stay pending, and are counted once."""
    copy = (
        Copy().reloaded(holding(entry("one", hits=2))).counting(Tally(7, 1, 8)).hit("t-one", hit(1))
    )
    told = copy.pending
    copy = copy.counting(Tally(2, 0, 5)).hit("t-one", hit(2))
    heard = Heard(Tally(107, 11, 208), {"t-one": 9}, {"t-one": NOW}, {"t-one": (sample(1),)}, NOW)
    copy = copy.hearing(heard, told)
    assert Tally(109, 11, 213) == copy.tally
    assert 10 == copy.entries["t-one"].hits
    assert 1 == copy.pending.hits["t-one"].count
    assert [1, 2] == [int(pixels[0, 0, 0]) for pixels in copy.samples["t-one"]]


def test_a_tally_never_falls() -> None:
    """What was heard of the tally is remembered when the store has lost it."""
    copy = replace(Copy(), told_tally=Tally(100, 3))
    assert Tally(100, 3) == copy.reloaded(holding()).tally


def test_a_full_store_cant_have_given_up_what_was_confirmed_here() -> None:
    """A trigger with hits that a full store wasn't told of goes back; a dismissed one doesn't."""
    for known, waits in (
        (entry("one", 1, hits=2), ("t-one",)),
        (entry("one", 1, hits=1), ()),
        (entry("one", 1, hits=2, dismissed=True), ()),
    ):
        copy = Copy().reloaded(holding(known)).reloaded(holding(version="1-b", full=True))
        assert waits == copy.unwritten == tuple(copy.entries)


def test_what_has_room_is_never_what_two_images_carried() -> None:
    """Without a store a confirmed trigger makes no room for a new one, which isn't kept then."""
    copy = Copy(capacity=2).keeping(entry("one", 1, hits=2)).keeping(entry("two", 2, hits=2))
    assert copy is copy.keeping(entry("three", 3))
    refined = copy.keeping(replace(copy.entries["t-one"], trigger=trigger(1, x=9)))
    assert ("t-two", "t-one") == refined.unwritten


def test_so_many_wait_to_be_written() -> None:
    """Without a store the triggers that wait for it are bounded; the least recently seen go."""
    copy = Copy()
    for i in range(CAPACITY + 5):
        copy = copy.keeping(replace(entry(str(i), i), last_seen_at=NOW + timedelta(seconds=i)))
    assert CAPACITY == len(copy.unwritten) == len(copy.entries)
    assert "t-4" not in copy.entries
    assert "t-5" in copy.entries
