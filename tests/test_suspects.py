"""One worker's suspects: what is kept, for how long, and whose go first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from app.detection.geometry import Box
from app.detection.suspect import Suspect
from app.detection.trigger import Sign, Term
from app.incidents import Said
from app.suspects import LIVES, Noted, Source, Suspects
from tests.library.clocks import Clock

SECOND = timedelta(seconds=1)
SOURCE = Source("r-1", "shop", Said(2, 0.875), Said(0, None), "00" * 32, 123, flagged=True)


def suspect(target: int = 2, value: int = 9, side: int = 16) -> Suspect:
    """Return one that leads to *target*, of pixels of this *value*."""
    patch = np.full((4, 5, 3), value, np.uint8)
    sketch = np.full((12, 12, 3), value, np.uint8)
    return Suspect(target, 0, Box(3, 2, 5, 4), patch, sketch, Box(4, 3, 2, 2), side, side)


def test_the_last_seen_comes_first() -> None:
    """One that another image shows again is at the front, and lives anew."""
    clock = Clock()
    suspects = Suspects(clock)
    (first,) = suspects.note([suspect()], SOURCE, "a")
    clock.forward(SECOND)
    (second,) = suspects.note([suspect()], SOURCE, "a")
    assert [second.id, first.id] == [one.id for one in suspects.entries()]
    clock.forward(SECOND)
    (was,) = suspects.see([first.id, "s-unknown"], "b")
    assert (first.id, 1) == (was.id, was.seen)
    seen = suspects.entries()[0]
    assert (first.id, 2, frozenset("ab")) == (seen.id, seen.seen, seen.callers)
    clock.forward(LIVES - SECOND)
    assert [first.id] == [one.id for one in suspects.entries()]
    clock.forward(SECOND)
    assert () == suspects.entries()


def test_what_nothing_speaks_for_yet_is_not_shown_to_anybody() -> None:
    """Half of the clean images leave such a place: whoever looks would find nothing else."""
    suspects = Suspects()
    needed = (Term(Sign.BLOCKING, 2.0, "without it the image loses its class"),)
    likely, _ = suspects.note([replace(suspect(), terms=needed), suspect()], SOURCE, "a")
    whole = replace(suspect(), box=Box(0, 0, 16, 16), patch=np.zeros((16, 16, 3), np.uint8))
    (suspicious,) = suspects.note([whole], SOURCE, "a")
    assert 3 == len(suspects.entries())
    assert {likely.id, suspicious.id} == {one.id for one in suspects.likely()}


def test_who_floods_pushes_out_his_own() -> None:
    """Of the caller who has most the oldest goes, of the class that he has most of."""
    clock = Clock()
    suspects = Suspects(clock, most=6)
    (honest,) = suspects.note([suspect()], SOURCE, "honest")
    (rare,) = suspects.note([suspect(target=1)], SOURCE, "flood")
    noted: list[Noted] = []
    for _ in range(20):
        clock.forward(SECOND)
        noted += suspects.note([suspect(target=2)], SOURCE, "flood")
    last = noted[-1]
    kept = [one.id for one in suspects.entries()]
    assert 6 == len(kept)
    assert {honest.id, rare.id, last.id} <= set(kept)


def test_what_has_become_a_trigger_is_forgotten() -> None:
    """And it doesn't come back by what the others say, before they have heard of it."""
    suspects = Suspects(Clock())
    one, two = suspects.note([suspect(), suspect(target=1)], SOURCE, "a")
    untold = suspects.untold()
    assert (one, two) == untold.new
    suspects.forget([one.id])
    suspects.told(untold, {one.id: one, two.id: two})
    assert [two.id] == [kept.id for kept in suspects.entries()]
    assert {one.id} == suspects.untold().gone
    suspects.told(suspects.untold(), {two.id: two})
    assert not suspects.untold()


def test_what_is_noted_meanwhile_stays() -> None:
    """What comes while the others are told is told the next time."""
    suspects = Suspects(Clock())
    (one,) = suspects.note([suspect()], SOURCE, "a")
    untold = suspects.untold()
    (two,) = suspects.note([suspect()], SOURCE, "a")
    suspects.see([one.id], "a")
    suspects.told(untold, {one.id: one})
    assert {one.id: 2, two.id: 1} == {kept.id: kept.seen for kept in suspects.entries()}
    left = suspects.untold()
    assert ((two,), {(one.id, "a"): 1}) == (left.new, left.seen)
