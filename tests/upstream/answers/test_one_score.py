"""One score an image: which of two classes it says."""

from __future__ import annotations

import numpy as np
import pytest

from app.ports import OtherModelError, UpstreamAnswerError
from app.upstream.answers.one_score import OneScore


def labels(one_score: OneScore, *scores: float) -> list[int]:
    """Return what *scores* say."""
    found: list[int] = one_score.answers(np.array(scores), {}).labels.tolist()
    return found


def test_probabilities() -> None:
    """Above 0.5 it is class 1; both classes have a score, also where it is rounded beyond 1."""
    one_score = OneScore()
    assert [1, 0, 0, 1] == labels(one_score, 0.501, 0.5, 0.0, 1.0000002)
    answers = one_score.answers(np.array([0.25]), {})
    assert answers.scores is not None
    assert [[0.75, 0.25]] == answers.scores.tolist()


def test_logits() -> None:
    """Once one is no probability all are logits: above 0 it is class 1."""
    one_score = OneScore()
    assert [0, 1, 1] == labels(one_score, -2.5, 0.1, 7)
    assert [1, 0] == labels(one_score, 0.3, 0)


def test_class_indices_with_a_point() -> None:
    """Whole numbers of which one is above 1 are classes; a number between them shows logits."""
    one_score = OneScore()
    assert [2, 0, 1] == labels(one_score, 2.0, 0.0, 1.0)
    assert [0, 1] == labels(one_score, 0.0, 1.0)
    assert one_score.answers(np.array([3.0]), {}).scores is None
    assert [1, 0, 1] == labels(one_score, 2.0, -0.5, 0.25)
    assert [1, 0] == labels(one_score, 3.0, 0.0)


def test_settled_class_indices() -> None:
    """After the references have shown them, a number that is no class is another model's."""
    one_score = OneScore()
    labels(one_score, 2.0, 0.0)
    one_score.settle()
    assert [7] == labels(one_score, 7.0)
    for odd in (-1.0, 0.5):
        with pytest.raises(OtherModelError, match="another model"):
            labels(one_score, odd)


def test_what_is_settled_stays() -> None:
    """After the references have shown what the scores are another kind is another model's."""
    one_score = OneScore()
    labels(one_score, 0.3, 0.7)
    one_score.settle()
    with pytest.raises(OtherModelError, match="no probability"):
        labels(one_score, -2.5)
    with pytest.raises(OtherModelError, match="one score an image, or several"):
        one_score.hear(alone=False)
    one_score.forget()
    assert [0] == labels(one_score, -2.5)


def test_no_number() -> None:
    """What is no finite number is no score."""
    with pytest.raises(UpstreamAnswerError, match="finite"):
        labels(OneScore(), float("nan"))
