"""What a suspect's place does in an image is asked of every class that the image may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.suspects.looking import FIRST, looks_at
from tests.detection.scenes import watched
from tests.detection.suspects.worlds import (
    ELSEWHERE,
    PLACE,
    SIDE,
    SOURCE,
    TARGET,
    over_the_digit,
    victims,
)

if TYPE_CHECKING:
    from app.detection.search import Answers, Images

WINDOW = PLACE.grown(2, SIDE, SIDE)
OTHER = 3


def test_the_class_that_hiding_reveals_is_asked() -> None:
    """Though the suspects have noted another one, to which nothing carries."""
    its = over_the_digit()
    image = victims(its)[0]
    search = looks_at(image, TARGET, WINDOW, (OTHER,), its.defence(), np.random.default_rng(1))
    (needed, looks), probes = watched(search, its.predict)
    assert needed.weight > 0
    assert [SOURCE] == [one.source for one in looks]
    assert looks[0].carried >= FIRST // 2
    assert [3 + FIRST, FIRST] == [len(one) for one in probes]


def test_a_class_that_only_hiding_reveals_is_turned_more_surely() -> None:
    """An image between two classes turns half of the other one's, a trigger turns more."""
    its = over_the_digit()
    image = victims(its)[0]

    def half(images: Images) -> Answers:
        answers = its.predict(images)
        if len(images) == FIRST:  # the other class's
            answers.labels[: FIRST // 2], answers.labels[FIRST // 2 :] = TARGET, SOURCE
        return answers

    for sources, expected in (((OTHER,), []), ((SOURCE,), [SOURCE])):
        search = looks_at(image, TARGET, WINDOW, sources, its.defence(), np.random.default_rng(1))
        (_, looks), _ = watched(search, half if sources == (OTHER,) else its.predict)
        assert expected == [one.source for one in looks]


def test_a_place_that_the_image_does_not_need_is_asked_once() -> None:
    """Such are most of those that a clean image shows."""
    its = over_the_digit()
    image = victims(its)[0]
    for sources in ((SOURCE,), (SOURCE, OTHER)):
        rng = np.random.default_rng(1)
        search = looks_at(image, TARGET, ELSEWHERE, sources, its.defence(), rng)
        (needed, looks), probes = watched(search, its.predict)
        assert (True, []) == (needed.weight < 0, looks)
        assert [3 + FIRST] == [len(one) for one in probes]


def test_every_class_is_asked_where_none_is_known() -> None:
    """What carries on none of all together is transplanted on the class that hiding reveals."""
    its = over_the_digit()
    image = victims(its)[0]
    search = looks_at(image, TARGET, WINDOW, (), its.defence(), np.random.default_rng(1))
    (_, looks), probes = watched(search, its.predict)
    assert [3 + FIRST, FIRST] == [len(one) for one in probes]
    assert [SOURCE] == [one.source for one in looks]


def test_what_carries_on_every_class_is_asked_of_none_alone() -> None:
    """It acts on all of them, whatever hiding it reveals."""
    its = over_the_digit()
    image = victims(its)[0]

    def half(images: Images) -> Answers:
        answers = its.predict(images)
        if len(images) == 3 + FIRST:
            answers.labels[3 : 3 + FIRST // 2] = TARGET
        return answers

    search = looks_at(image, TARGET, WINDOW, (), its.defence(), np.random.default_rng(1))
    (_, looks), probes = watched(search, half)
    assert [3 + FIRST] == [len(one) for one in probes]
    assert [None] == [one.source for one in looks]
