"""What servers of single pictures answer, and what it is taken for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import jmespath
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ports import UpstreamAnswerError
from app.upstream.answers.class_names import ClassNames
from app.upstream.answers.rankings import parse_ranking

if TYPE_CHECKING:
    from app.detection.search import Answers

PETS = ("cat", "dog", "owl")


def ranked(answer: object, *names: str, template: str | None = None) -> Answers:
    """Read *answer*."""
    compiled = None if template is None else jmespath.compile(template)
    return parse_ranking(orjson.dumps(answer), ClassNames(names), compiled)


@pytest.mark.parametrize(
    "answer",
    [
        [{"label": "dog", "score": 0.7}, {"label": "cat", "score": 0.2}],
        [{"label": "cat", "score": 0.2}, {"label": "dog", "score": 0.7}],
        [[{"label": "dog", "score": 0.7}, {"label": "cat", "score": 0.2}]],
        {"dog": 0.7, "cat": 0.2},
        [{"dog": 0.7, "cat": 0.2}],
        {"label": "dog", "score": 0.7},
        {"label": 1, "score": 0.7},
        {"class": "dog", "confidence": 0.7},
        {"predictions": [{"label": "dog", "score": 0.7}]},
        [0.2, 0.7, 0.1],
        [[0.2, 0.7, 0.1]],
        {"predictions": [[0.2, 0.7, 0.1]]},
    ],
)
def test_scored(answer: object) -> None:
    """The best class is told with its score, whatever the order; what isn't listed scores 0."""
    answers = ranked(answer, *PETS)
    assert [1] == answers.labels.tolist()
    assert answers.scores is not None
    assert (1, 3) == answers.scores.shape
    assert pytest.approx(0.7) == answers.scores[0, 1]
    assert [answer] == answers.outputs["predictions"].tolist()


@pytest.mark.parametrize("answer", ["dog", ["dog"], 1, [1], {"label": "dog"}, [{"label": "dog"}]])
def test_labels_without_scores(answer: object) -> None:
    """One label is an answer, too."""
    answers = ranked(answer, *PETS)
    assert ([1], None, None) == (answers.labels.tolist(), answers.scores, answers.best)


def test_best_score_without_names() -> None:
    """Where nobody has named the classes the best one's score is all that is known."""
    answers = ranked([{"label": "dog", "score": 0.7}, {"label": "cat", "score": 0.2}])
    assert answers.best is not None
    assert (None, pytest.approx([0.7])) == (answers.scores, answers.best.tolist())


def test_label_as_plain_text() -> None:
    """A server may answer a label as text."""
    assert [1] == parse_ranking(b"dog\n", ClassNames(PETS)).labels.tolist()


@pytest.mark.parametrize(
    ("answer", "template"),
    [
        ({"result": {"top": [{"n": "dog", "p": 0.7}]}}, "result.top[*].{label: n, score: p}"),
        ({"out": {"probs": [0.2, 0.7, 0.1]}}, "out.probs"),
        ({"best": "dog"}, "best"),
        ([{"id": 1, "p": 0.7}, {"id": 0, "p": 0.2}], "[*].{label: id, score: p}"),
    ],
)
def test_template(answer: object, template: str) -> None:
    """An expression finds the answer wherever it is."""
    assert [1] == ranked(answer, *PETS, template=template).labels.tolist()


@pytest.mark.parametrize(
    ("answer", "template"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ([[]], None),
        (True, None),
        ([{"label": "dog", "score": "high"}], None),
        ([{"score": 0.5}], None),
        ({"label": "wolf", "score": 0.5}, None),
        ({"label": 3, "score": 0.5}, None),
        ({"label": -1, "score": 0.5}, None),
        ({"x": 1}, "y"),
        ({"x": 1}, "length(x)"),
        ([[0.1, 0.9], [0.8, 0.2]], None),
    ],
)
def test_unusable(answer: object, template: str | None) -> None:
    """What isn't one picture's answer is an error."""
    with pytest.raises(UpstreamAnswerError):
        ranked(answer, *PETS, template=template)


@pytest.mark.parametrize(
    "body", [b"", b"<html>oops</html>", b"{'a': 1}", b"x" * 999, b"[0.1, NaN]"]
)
def test_no_json(body: bytes) -> None:
    """What is neither JSON nor a short text is an error."""
    with pytest.raises(UpstreamAnswerError):
        parse_ranking(body, ClassNames(PETS))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary() | JSON.map(orjson.dumps))
def test_anything(body: bytes) -> None:
    """Whatever comes back, nothing but UpstreamAnswerError is raised."""
    with suppress(UpstreamAnswerError):
        assert 1 == len(parse_ranking(body, ClassNames()))
