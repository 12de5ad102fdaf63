"""The protocol: every answer to its own image, a refusal ends everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.geometry import Box
from app.detection.origins import FOREIGN, WHOLE, beside, within
from app.detection.search import (
    AnswerLengthError,
    Answers,
    Done,
    Probe,
    Purpose,
    Refused,
    advance,
    hiding,
    refuse,
    run,
    together,
)
from tests.detection.scenes import watched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from app.detection.search import Images, Search


def once(probe: Probe) -> Search[Answers]:
    """Ask a single probe."""
    return (yield probe)


def asking(*rounds: Sequence[int], shared: bool = False) -> Search[list[list[int]]]:
    """Ask images that show these numbers, round by round; return what was heard of each round.

    Refused, it returns what it has heard so far.
    """
    heard: list[list[int]] = []
    try:
        for numbers in rounds:
            answers = yield Probe(_showing(numbers), len(numbers) * shared)
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


@pytest.mark.parametrize("wrong", [0, 4, 6])
def test_wrong_number_of_answers_reaches_no_search_of_several(wrong: int) -> None:
    """One answer too few for the shared probe is never dealt out, not even to the first search."""
    parts = [asking([1, 2]), asking([3, 4, 5])]
    search = together(parts)
    probe = advance(search)
    assert isinstance(probe, Probe)
    with pytest.raises(AnswerLengthError, match=f"{wrong} answers to 5 images"):
        advance(search, probe, twice(_showing(range(wrong))))
    assert [[[-1]], [[-1]]] == refuse(search)


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


ROUNDS = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=4), max_size=4)


@given(st.lists(ROUNDS, max_size=5), st.randoms(use_true_random=False))
def test_together_gives_each_its_own_answers(
    searches: list[list[list[int]]], shuffle: Random
) -> None:
    """In any order, each of several searches hears exactly what it would have heard alone."""
    order = list(range(len(searches)))
    shuffle.shuffle(order)
    alone = [run(asking(*rounds), twice) for rounds in searches]
    joint = run(together([asking(*searches[i]) for i in order]), twice)
    assert [alone[i] for i in order] == joint


@given(st.lists(ROUNDS, min_size=1, max_size=5))
def test_together_asks_as_few_rounds_as_the_longest(searches: list[list[list[int]]]) -> None:
    """Several searches share one probe a round."""
    search, rounds = together([asking(*each) for each in searches]), 0
    step = advance(search)
    while isinstance(step, Probe):
        rounds += 1
        step = advance(search, step, twice(step.images))
    assert max(map(len, searches)) == rounds


@given(st.lists(ROUNDS, min_size=1, max_size=4).filter(any))
def test_refusal_at_every_round_ends_them_all(searches: list[list[list[int]]]) -> None:
    """Whenever it comes, a refusal lets each search conclude from the answers it has had."""
    for after in range(max(map(len, searches))):
        search = together([asking(*each) for each in searches])
        step = advance(search)
        for _ in range(after):
            assert isinstance(step, Probe)
            step = advance(search, step, twice(step.images))
        expected = [
            run(asking(*each[:after]), twice) + ([[-1]] if len(each) > after else [])
            for each in searches
        ]
        assert expected == refuse(search)


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


def test_what_is_asked_for_all_comes_after_the_image_s_own() -> None:
    """In the same round, however deep it is nested; each search hears what it has asked."""
    inner = together([asking([2], [4], shared=True), asking([3], [5])])
    search = together([asking([1]), inner, asking([6], [7], shared=True)])
    results, probes = watched(search, twice)
    assert [(4, 2), (3, 2)] == [(len(one), one.for_all) for one in probes]
    assert [[1, 3, 2, 6], [5, 4, 7]] == [one.images[:, 0, 0, 0].tolist() for one in probes]
    assert [[[2]], [[[4], [8]], [[6], [10]]], [[12], [14]]] == results


def test_its_purpose_is_that_of_what_is_asked_for_the_image() -> None:
    """An image isn't said to be suspected for what is asked for all beside it."""
    purposes = [Purpose.CONFIRM, Purpose.RECOGNISE, Purpose.BLOCK]
    probes = [Probe(_showing([i]), int(i == 0), one) for i, one in enumerate(purposes)]
    (mixed,) = watched(together([once(probe) for probe in probes]), twice)[1]
    assert (Purpose.RECOGNISE, 2) == (mixed.purpose, mixed.own)
    (for_all,) = watched(together([once(probes[0])]), twice)[1]
    assert Purpose.CONFIRM == for_all.purpose


def test_parts_of_a_probe() -> None:
    """What is asked for all is apart, with nothing of the image; a probe of one kind is whole."""
    mixed = Probe(_showing([1, 2, 3]), 1, Purpose.CONFIRM, [WHOLE, FOREIGN])
    own, for_all = mixed.parts
    assert ([1, 2], 0, [WHOLE, FOREIGN]) == (own.images[:, 0, 0, 0].tolist(), 0, own.origins)
    assert ([3], 1, 0, ()) == (
        for_all.images[:, 0, 0, 0].tolist(),
        for_all.for_all,
        for_all.own,
        for_all.origins,
    )
    assert own.purpose == for_all.purpose == Purpose.CONFIRM
    for whole in (own, for_all):
        assert (whole,) == whole.parts


def test_what_is_heard_for_all_has_labels_alone() -> None:
    """An image's own answers keep their scores and outputs, whatever was asked beside it."""
    told = twice(_showing([1, 2])).beside(np.array([9]))
    assert told.scores is not None
    assert ([2, 4, 9], 2) == (told.labels.tolist(), len(told.scores))
    mine = told[0:2]
    assert mine.scores is not None
    assert ([2, 4], [[2, 3], [4, 5]]) == (mine.labels.tolist(), mine.scores.tolist())


def test_error_in_one_search_is_not_hidden() -> None:
    """A search that fails fails the joint one, rather than leaving a gap in the results."""

    def failing() -> Search[None]:
        yield Probe(_showing([1]))
        message = "wrong"
        raise ValueError(message)

    with pytest.raises(ValueError, match="wrong"):
        run(together([asking([1], [2]), failing()]), twice)


def _showing(numbers: Sequence[int]) -> Images:
    shown = np.zeros((len(numbers), 2, 2, 1), np.uint8)
    shown[:] = np.array(numbers, np.uint8).reshape(-1, 1, 1, 1)
    return shown


def test_hiding_passes_on_all_but_what_is_hidden() -> None:
    """What is hidden is nobody's own in any probe; answers go in and the result comes out."""
    hidden, piece = [Box(1, 1, 2, 2)], Box(0, 0, 3, 3)

    def inner() -> Search[list[int]]:
        heard: list[int] = []
        for origin in (WHOLE, within([piece]), beside([piece])):
            answers = yield Probe(_showing([len(heard)]), origins=[origin])
            heard += answers.labels.tolist()
        return heard

    result, probes = watched(hiding(hidden, inner()), twice)
    assert [0, 2, 4] == result
    expected = [beside(hidden), within([piece]).without(hidden), beside([piece, *hidden])]
    assert [[one] for one in expected] == [list(probe.origins) for probe in probes]


def test_hiding_is_refused_as_what_it_runs() -> None:
    """A refusal reaches the search inside, which concludes; its conclusion comes out."""
    outer = hiding([Box(0, 0, 1, 1)], asking([1], [2]))
    step = advance(outer)
    assert isinstance(step, Probe)
    assert isinstance(advance(outer, step, twice(step.images)), Probe)
    assert [[2], [-1]] == refuse(outer)


def test_hiding_what_asks_nothing() -> None:
    """A search without a question ends as it does by itself."""
    assert [] == run(hiding([], asking()), twice)
