"""Predictions in every form that servers have of them."""

from __future__ import annotations

from typing import Any

import pytest

from app.ports import OtherModelError, UpstreamAnswerError
from app.upstream.answers.class_names import ClassNames
from app.upstream.answers.one_score import OneScore
from app.upstream.answers.predictions import parse_predictions


def parsed(predictions: object, chosen: str | None = None, *names: str) -> list[int]:
    """Read *predictions* as the answers to two images; return the labels."""
    answers = parse_predictions(predictions, 2, ClassNames(names), chosen)
    assert 2 == len(answers.outputs["predictions"])
    labels: list[int] = answers.labels.tolist()
    return labels


@pytest.mark.parametrize(
    ("predictions", "chosen", "names"),
    [
        ([[0.1, 0.9], [0.8, 0.2]], None, ()),
        ([[-3, 4], [4, -3]], None, ()),
        ([1, 0], None, ()),
        ([[1], [0]], None, ()),
        (["b", "a"], None, ("a", "b")),
        ([["b"], ["a"]], None, ("a", "b")),
        (["1", "LABEL_0"], None, ()),
        (
            [{"probabilities": [0.1, 0.9], "class": 0}, {"probabilities": [1, 0], "class": 0}],
            None,
            (),
        ),
        ([{"class": 1, "note": {}}, {"class": 0, "note": {}}], None, ()),
        ([{"label": "b"}, {"label": "a"}], None, ("a", "b")),
        ([{"p": [0.1, 0.9], "q": [1, 0]}, {"p": [0.8, 0.2], "q": [1, 0]}], "p", ()),
        ([[[0.1, 0.9]], [[0.8, 0.2]]], None, ()),
        ([[[0.1], [0.9]], [[0.8], [0.2]]], None, ()),
        ([{"p": [[[0.1]], [[0.9]]], "n": 3}, {"p": [[[0.8]], [[0.2]]], "n": 3}], None, ()),
        ([[[1]], [[0]]], None, ()),
        ([0.93, 0.2], None, ()),
        ([[0.93], [0.5]], None, ()),
        ([[0.93], [0]], None, ()),
        ([1.5, -0.2], None, ()),
        ([[[0.1]], [[-2.0]]], None, ()),
        ([{"p": 0.7}, {"p": [0.2]}], None, ()),
        ([{"name": "p", "data": [[0.1, 0.9], [0.8, 0.2]]}, {"name": "q", "data": [1, 1]}], "p", ()),
        ({"p": [[0.1, 0.9], [0.8, 0.2]], "class": [1, 1]}, None, ()),
        ({"p": [[0.1, 0.9], [0.8, 0.2]], "q": [[1, 0], [1, 0]]}, "p", ()),
        (
            [
                [{"name": "q", "value": 1}, {"name": "p", "value": [0.1, 0.9]}],
                [{"name": "q", "value": 1}, {"name": "p", "value": [0.8, 0.2]}],
            ],
            "p",
            (),
        ),
    ],
)
def test_kinds_of_predictions(
    predictions: object, chosen: str | None, names: tuple[str, ...]
) -> None:
    """Scores, indices and names are told, alone, in lists, and in objects."""
    assert [1, 0] == parsed(predictions, chosen, *names)


@pytest.mark.parametrize(
    ("predictions", "reason"),
    [
        (None, "no list of predictions"),
        ([[0.1, 0.9]], "1 predictions to 2 images"),
        ([[0.1, 0.9]] * 3, "3 predictions to 2 images"),
        ([[0.1, 0.9], [0.1, 0.8, 0.1]], "one of a kind"),
        ([[0.1, 0.9], 1], "one of a kind"),
        ([True, False], "one of a kind"),
        ([[0.1, "x"], [0.1, 0.9]], "one of a kind"),
        ([2**63, 1], "one of a kind"),
        ([-1, 1], "out of range"),
        ([[1e39, 0], [0, 1]], "finite"),
        (["c", "a"], "NEO_LABELS"),
        ([{"p": [0.1, 0.9], "q": [1, 0]}] * 2, "NEO_OUTPUTS"),
        ([{}, {}], "NEO_OUTPUTS"),
        ([None, None], "one of a kind"),
        ([[[0.1, 0.9], [0.2]]] * 2, "one of a kind"),
        ([[[0.1, 0.9]] * 2] * 2, "one of a kind"),
        ([0.5, 1e999], "finite"),
        ([[], []], "one of a kind"),
        ({"p": [[0.1, 0.9]]}, "no list of predictions"),
        ({"p": [[0.1, 0.9]] * 2, "q": [[0.1, 0.9]] * 2}, "NEO_OUTPUTS"),
    ],
)
def test_no_answers(predictions: object, reason: str) -> None:
    """What isn't one answer of one kind for each image is an error."""
    with pytest.raises(UpstreamAnswerError, match=reason):
        parsed(predictions, None, "a", "b")


@pytest.mark.parametrize(
    "predictions",
    [
        [{"p": [0.1, 0.9], "note": "x"}, {"p": [0.8, 0.2], "note": None}],
        [[1], [0]],
        [[0, 1], [1, 0]],
        [["LABEL_1"], ["LABEL_0"]],
    ],
)
def test_predictions_are_kept_as_they_came(predictions: list[Any]) -> None:
    """Whatever a prediction is, it is passed on as it came."""
    answers = parse_predictions(predictions, 2, ClassNames())
    assert predictions == answers.outputs["predictions"].tolist()


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ([[0.1, 0.9]], 1),
        ([0.1, 0.9], 1),
        ({"p": [0.1, 0.9], "n": "x"}, 1),
        ({"p": [[0.1, 0.9]]}, 1),
        (1, 1),
        (0.93, 1),
        ([0.2], 0),
        ([[[0.2]]], 0),
        ("b", 1),
    ],
)
def test_of_one_image_there_may_be_no_list(said: object, label: int) -> None:
    """The answer to one image is understood without a list around it."""
    answers = parse_predictions(said, 1, ClassNames(("a", "b")))
    assert ([label], 1) == (answers.labels.tolist(), len(answers.outputs["predictions"]))


@pytest.mark.parametrize("said", [[0.1, 0.9, 0.3], [[0.1], [0.9]]])
def test_one_score_stays_one(said: object) -> None:
    """More scores than images, of a model that gave one each before, are another model's answer."""
    one_score = OneScore()
    parse_predictions([0.93], 1, ClassNames(), None, one_score)
    with pytest.raises((OtherModelError, UpstreamAnswerError)):
        parse_predictions(said, 1, ClassNames(), None, one_score)


def test_whole_numbers_are_scores_once_scores_are_known() -> None:
    """A probability that is written 1 is no class index, once it is known what the numbers are."""
    one_score = OneScore()
    parse_predictions([0.93], 1, ClassNames(), None, one_score)
    answers = parse_predictions([1, 0], 2, ClassNames(), None, one_score)
    assert answers.scores is not None
    assert [[0, 1], [1, 0]] == answers.scores.tolist()
