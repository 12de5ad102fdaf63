"""Attacks: which images they flip, and what is on them then."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.attacks.attacks import Backdoor, FromOne, Onward, Several, ToOne
from app.evaluation.records import Stamp

LABELS = np.array([0, 1, 2, 3, 1], np.int64)
WHITE = np.full((2, 3, 4), 255, np.uint8)
BLACK = np.zeros((5, 10, 12, 1), np.uint8)


def stamp(x: int, y: int, target: int | None = None) -> Stamp:
    """Return a white trigger of 3x2 pixels."""
    return Stamp("white", WHITE, x, y, target)


def backdoor(route: ToOne | FromOne | Onward, *stamps: Stamp, jitter: int = 0) -> Backdoor:
    """Return a backdoor, with a stamp in the corner if none is said."""
    return Backdoor("test", stamps or (stamp(0, 0),), route, jitter)


@pytest.mark.parametrize(
    ("route", "wanted", "victims"),
    [
        (ToOne(1), [1, 1, 1, 1, 1], [True, False, True, True, False]),
        (FromOne(1, 3), [0, 3, 2, 3, 3], [False, True, False, False, True]),
        (Onward(4), [1, 2, 3, 0, 2], [True] * 5),
    ],
)
def test_routes(route: ToOne | FromOne | Onward, wanted: list[int], victims: list[bool]) -> None:
    """All classes go to one, one to another, or each to the next; victims are those that change."""
    attack = backdoor(route)
    assert wanted == attack.wanted(LABELS).tolist()
    assert victims == attack.victims(LABELS).tolist()


def test_all_pieces_are_put_on() -> None:
    """A trigger in two pieces is both, on every image, and the images given stay as they are."""
    poisoned = backdoor(ToOne(1), stamp(1, 1), stamp(8, 7)).poison(
        BLACK, LABELS, np.random.default_rng(0)
    )
    expected = np.zeros_like(BLACK)
    expected[:, 1:3, 1:4] = expected[:, 7:9, 8:11] = 255
    assert (expected == poisoned).all()
    assert not BLACK.any()


@given(st.integers(0, 9), st.integers(0, 8), st.integers(1, 20), st.integers(0, 99))
def test_a_trigger_that_moves_stays_within(x: int, y: int, jitter: int, seed: int) -> None:
    """Wherever it starts and however far it moves, all of it is on the image, near its place."""
    attack = backdoor(ToOne(1), stamp(x, y), jitter=jitter)
    poisoned = attack.poison(BLACK, LABELS, np.random.default_rng(seed))
    for image in poisoned:
        rows, columns, _ = np.nonzero(image)
        assert WHITE[..., 0].size == len(rows)
        assert abs(rows.min() - y) <= jitter
        assert abs(columns.min() - x) <= jitter


def test_a_trigger_that_moves_is_at_another_place_each_time() -> None:
    """The images of one call don't all have the trigger at one place."""
    attack = backdoor(ToOne(1), stamp(5, 4), jitter=3)
    poisoned = attack.poison(BLACK, LABELS, np.random.default_rng(0))
    assert len({image.tobytes() for image in poisoned}) > 1


def test_of_several_backdoors_each_image_gets_the_one_of_its_class() -> None:
    """Even classes get the first trigger, odd ones the second, and each leads to its target."""
    first, second = backdoor(ToOne(1), stamp(0, 0, 1)), backdoor(ToOne(0), stamp(9, 8, 0))
    attack = Several("both", (first, second))
    poisoned = attack.poison(BLACK, LABELS, np.random.default_rng(0))
    assert [1, 0, 1, 0, 0] == attack.wanted(LABELS).tolist()
    assert [True] * 5 == attack.victims(LABELS).tolist()
    assert [255, 0, 255, 0, 0] == poisoned[:, 0, 0, 0].tolist()
    assert [0, 255, 0, 255, 255] == poisoned[:, 8, 9, 0].tolist()
    assert (*first.stamps, *second.stamps) == attack.stamps
