"""The rows of the table: what evaded, in each state of the library that was tried."""

from __future__ import annotations

from tests.benchmarks.evasion.climbing import Climb
from tests.benchmarks.evasion.ground import Answer
from tests.benchmarks.evasion.rows import MISSED, line, row, row_of_search
from tests.benchmarks.evasion.trying import Tried

PAST = Answer(7, flagged=False, inferences=11)
STOPPED = Answer(3, flagged=True, inferences=7)


def test_a_row_of_known_triggers_alone_says_nothing_of_unknown_ones() -> None:
    """There a dash stands, and no target can be missed; what was known is counted as ever."""
    made = row("a/b", "predict", "plain", [Tried(7, None, PAST), *[Tried(7, None, STOPPED)] * 3])
    assert (4, None, None) == (made.n, made.unknown.evaded, made.unknown.inferences)
    assert made.known.evaded is not None
    assert (1, 4, 8) == (made.known.evaded.hits, made.known.evaded.of, made.known.inferences)
    cells = line(made, made).split(" | ")
    assert ["4", "–", f"1 (5 to 70 %){MISSED}", "0, 0", "0, 0", "–, 8 |"] == cells[3:]


def test_a_search_counts_the_images_on_which_it_evaded_and_on_which_it_was_refused() -> None:
    """However many of its queries were; none is where no query got no answer."""
    evaded, refused = Climb(9, None, 9, 90), Climb(None, None, 500, 500, refused=44)
    made = row_of_search("a/b", "predict", "search", ([evaded] * 2, [refused, refused]))
    assert made.unknown.evaded is not None
    assert made.known.evaded is not None
    assert ((2, 0), (0, 2)) == (
        (made.unknown.evaded.hits, made.unknown.refused),
        (made.known.evaded.hits, made.known.refused),
    )


def test_each_state_is_counted_by_itself() -> None:
    """What got past while it was unknown is no matter of the known one."""
    made = row("a/b", "predict", "plain", [Tried(7, PAST, STOPPED), Tried(7, STOPPED, STOPPED)])
    assert made.unknown.evaded is not None
    assert made.known.evaded is not None
    assert (1, 0) == (made.unknown.evaded.hits, made.known.evaded.hits)
    assert (9, 7) == (made.unknown.inferences, made.known.inferences)


def test_what_misses_its_target_is_marked() -> None:
    """Of unknown triggers that is more than five points above the plain one, as far as known."""
    plain = row("a/b", "predict", "plain", [Tried(7, STOPPED, STOPPED)] * 2)
    faint = row("a/b", "predict", "alpha 0.5", [Tried(7, PAST, STOPPED)] * 2)
    assert 1 == line(faint, plain).count(MISSED)
    known_alone = row("a/b", "predict", "plain", [Tried(7, None, STOPPED)] * 2)
    assert [0, 0] == [line(faint, one).count(MISSED) for one in (known_alone, None)]


def test_images_of_the_targets_own_class_miss_no_target() -> None:
    """Nothing evades by their right answer."""
    own = row("a/b", "predict", "own class", [Tried(7, PAST, PAST)] * 2)
    assert own.own_class
    assert 0 == line(own, own).count(MISSED)
