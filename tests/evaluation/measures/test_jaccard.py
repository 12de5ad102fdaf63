"""The paper's Jaccard index."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.measures.jaccard import of_class, over_pairs, per_class

CLEAN = np.array([0, 0, 1, 1, 2])
POISONED = np.array([2, 2, 1, 2, 2])
FIXED = np.array([0, 0, 1, 2, 2])

some_answers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1)


def test_over_pairs_equal_answers_count_once_and_others_twice() -> None:
    """With four of five answers alike the index is 4 / (5 + 5 - 4)."""
    assert 4 / 6 == over_pairs(CLEAN, FIXED)


def test_of_a_class_it_compares_the_inputs_given_that_class() -> None:
    """Class 2 has {4} and {3, 4}, so 1 / 2; class 0 the same two inputs; class 3 none."""
    assert [1 / 2, 1, None] == [of_class(CLEAN, FIXED, index) for index in (2, 0, 3)]


def test_each_class_has_its_sizes_and_both_indices() -> None:
    """The last class has 1 clean input, 4 poisoned and 2 fixed ones, and two indices."""
    last = per_class(CLEAN, POISONED, FIXED)[-1]
    assert (2, 1, 4, 2) == (last.index, last.clean, last.poisoned, last.fixed)
    assert (1 / 4, 1 / 2) == (last.undefended, last.defended)


def test_nothing_has_no_index() -> None:
    """A run that was stopped before its first image has no index."""
    assert over_pairs(CLEAN[:0], FIXED[:0]) is None


@given(some_answers)
def test_it_is_the_index_of_the_two_sets_of_pairs(answers: list[tuple[int, int]]) -> None:
    """The closed form equals the sets that the paper writes."""
    clean, fixed = (np.array(column) for column in zip(*answers, strict=True))
    in_clean, in_fixed = set(enumerate(clean.tolist())), set(enumerate(fixed.tolist()))
    assert len(in_clean & in_fixed) / len(in_clean | in_fixed) == over_pairs(clean, fixed)
