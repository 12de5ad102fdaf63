"""The protocol: every answer to its own image, a refusal ends everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.search import (
    AnswerLengthError,
    Answers,
    Done,
    Probe,
    Refused,
    advance,
    refuse,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Images, Search


def asking(*rounds: Sequence[int]) -> Search[list[list[int]]]:
    """Ask images that show these numbers, round by round; return what was heard of each round.

    Refused, it returns what it has heard so far.
    """
    heard: list[list[int]] = []
    try:
        for numbers in rounds:
            answers = yield Probe(_showing(numbers))
            heard.append(answers.labels.tolist())
    except Refused:
        heard.append([-1])
    return heard


def twice(images: Images) -> Answers:
    """Answer each image with twice the number that it shows, so that every answer is its own."""
    labels = images[:, 0, 0, 0].astype(np.int64) * 2
    return Answers(labels, np.stack([labels, labels + 1], axis=1).astype(np.float32))


def test_run_hears_each_round() -> None:
    """A search driven by a plain function is sent the answers to what it asked, in order."""
    assert [[2, 4], [6]] == run(asking([1, 2], [3]), twice)


def test_search_without_a_question() -> None:
    """A search that asks nothing ends with its result at once."""
    step = advance(asking())
    assert isinstance(step, Done)
    assert [] == step.result


def test_predict_that_stops_an_iteration_is_no_verdict() -> None:
    """A StopIteration out of the classifier reaches the caller; it never becomes a result."""

    def exhausted(images: Images) -> Answers:
        raise StopIteration(len(images))

    with pytest.raises(StopIteration):
        run(asking([1]), exhausted)


@pytest.mark.parametrize("wrong", [0, 1, 3, 4])
def test_wrong_number_of_answers(wrong: int) -> None:
    """Answers too few or too many raise, and the search is not sent them."""
    search = asking([5, 6], [7])
    probe = advance(search)
    assert isinstance(probe, Probe)
    with pytest.raises(AnswerLengthError, match=f"{wrong} answers to 2 images"):
        advance(search, probe, twice(_showing(range(wrong))))
    assert [[-1]] == refuse(search)


def test_no_answers_at_all() -> None:
    """A probe that is sent on without its answers raises."""
    search = asking([5, 6])
    probe = advance(search)
    assert isinstance(probe, Probe)
    with pytest.raises(AnswerLengthError, match="0 answers to 2 images"):
        advance(search, probe)


def test_answers_of_a_part() -> None:
    """A part of the answers has the labels and the scores of that part."""
    part = twice(_showing([1, 2, 3]))[1:3]
    assert part.scores is not None
    assert ([4, 6], [[4, 5], [6, 7]]) == (part.labels.tolist(), part.scores.tolist())
    assert Answers(np.arange(3))[1:2].scores is None


def test_outputs_of_a_part() -> None:
    """What the classifier said beside is passed on, row by row, and so is the best score."""
    best = np.array([0.5, 0.6, 0.7], np.float32)
    whole = Answers(np.arange(3), best=best, outputs={"y": np.arange(6).reshape(3, 2)})
    part = whole[1:2]
    assert part.best is not None
    assert ([[2, 3]], best[1:2].tolist()) == (part.outputs["y"].tolist(), part.best.tolist())


ROUNDS = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=4), min_size=1, max_size=4)


@given(ROUNDS)
def test_refusal_at_every_round_ends_it(rounds: list[list[int]]) -> None:
    """Whenever it comes, a refusal lets a search conclude from the answers it has had."""
    for after in range(len(rounds)):
        search = asking(*rounds)
        step = advance(search)
        for _ in range(after):
            assert isinstance(step, Probe)
            step = advance(search, step, twice(step.images))
        assert [*run(asking(*rounds[:after]), twice), [-1]] == refuse(search)


def test_refused_search_that_asks_again() -> None:
    """A search that asks on after a refusal is a fault, not a hang."""

    def stubborn() -> Search[None]:
        while True:
            try:
                yield Probe(_showing([1]))
            except Refused:
                continue

    search = stubborn()
    advance(search)
    with pytest.raises(RuntimeError, match="asked again"):
        refuse(search)


def _showing(numbers: Sequence[int]) -> Images:
    shown = np.zeros((len(numbers), 2, 2, 1), np.uint8)
    shown[:] = np.array(numbers, np.uint8).reshape(-1, 1, 1, 1)
    return shown
