"""What a client that asks for tensors gets of a flagged image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.detection.search import Answers
from app.gateway.outcome import UnscreenedError
from app.gateway.outputs import sanitised_outputs

ATTACKERS, RIGHT = 2, 0


def said(**outputs: object) -> Answers:
    """Return the model's answer for the image as it came: the attacker's class."""
    arrays = {}
    for name, value in outputs.items():
        array: np.ndarray[Any, Any]
        if isinstance(value, np.ndarray):
            array = value
        else:
            array = np.empty(1, object)
            array[0] = value
        arrays[name] = array
    return Answers(np.array([ATTACKERS]), outputs=arrays)


NEXT = Answers(np.array([RIGHT]))
"""The class that scored next, where no blocked image had another answer."""


def test_outputs_of_the_blocked_image() -> None:
    """Where a blocked image had another answer its own outputs are given."""
    blocked = Answers(np.array([RIGHT]), outputs={"y": np.array([[0.9, 0.1, 0.0]])})
    found = sanitised_outputs(said(y=np.array([[0.1, 0.0, 0.9]])), blocked)
    assert [[0.9, 0.1, 0.0]] == found["y"].tolist()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[0.3, 0.1, 0.6]]), [[0.6, 0.1, 0.3]]),
        (np.array([[2]]), [[0]]),
        (np.array([2]), [0]),
        ([0.3, 0.1, 0.6], [[0.6, 0.1, 0.3]]),
        ([2], [[0]]),
        (2, [0]),
        ({"p": [0.3, 0.1, 0.6], "class": 2}, [{"p": [0.6, 0.1, 0.3], "class": 0}]),
    ],
)
def test_next_class_takes_the_attackers_place(value: object, expected: list[Any]) -> None:
    """Scores and indices tell the right class, and nothing else has changed."""
    before = said(y=value)
    assert expected == sanitised_outputs(before, NEXT)["y"].tolist()
    assert expected != before.outputs["y"].tolist()


@pytest.mark.parametrize(
    "value",
    [np.array([[0.5, 0.4, 0.1, 0.0]]), np.array([[0.1, 0.9]]), "cat", {"name": "cat"}, None],
)
def test_what_may_tell_the_attackers_class_is_refused(value: object) -> None:
    """An output that can't be changed isn't given; others are, if they are asked for alone."""
    before = said(y=np.array([[0.3, 0.1, 0.6]]), z=value)
    with pytest.raises(UnscreenedError, match="'z' can't be corrected"):
        sanitised_outputs(before, NEXT)
    assert ["y"] == list(sanitised_outputs(before, NEXT, {"y"}))


@pytest.mark.parametrize(
    ("score", "both", "expected"),
    [
        (0.75, (0.25, 0.75), 0.25),
        (0.25, (0.75, 0.25), 0.75),
        (0.75, (0.0, 0.75), -0.75),
        (-3.0, (0.0, -3.0), 3.0),
    ],
)
def test_one_score_of_two_classes(score: float, both: tuple[float, float], expected: float) -> None:
    """The one score is turned round: a probability to its complement, a logit to its negative."""
    attackers = int(both[1] > both[0])
    scores = np.array([both], np.float32)
    next_one = Answers(np.array([1 - attackers]))
    for value in (np.array([[score]]), score, [score], {"p": score}):
        outputs = said(y=value).outputs
        found = sanitised_outputs(Answers(np.array([attackers]), scores, outputs=outputs), next_one)
        told = found["y"].tolist()[0]
        assert expected == (told["p"] if isinstance(told, dict) else np.ravel(told)[0])


def test_a_number_that_is_not_the_score_is_not_touched() -> None:
    """Beside two scores a number of something else may tell the attacker's class."""
    outputs = said(y={"p": [0.2, 0.8], "sure": 0.3}).outputs
    scores = np.array([[0.2, 0.8]], np.float32)
    with pytest.raises(UnscreenedError):
        sanitised_outputs(Answers(np.array([1]), scores, outputs=outputs), Answers(np.array([0])))


def test_scores_in_lists_of_their_own() -> None:
    """Nested scores change places where they lie."""
    found = sanitised_outputs(said(y=[[0.3], [0.1], [0.6]]), NEXT)
    assert [[0.6], [0.1], [0.3]] == found["y"].tolist()[0]
