"""What servers of single pictures answer: labels with scores, scores alone, or one label.

The shapes that are told without help, each also alone in a list or under ``predictions``::

    [{"label": "cat", "score": 0.9}, …]     Hugging Face, the best ones
    {"cat": 0.9, "dog": 0.1, …}             TorchServe, the best ones
    [0.9, 0.1, …]                           SageMaker, all classes in their order
    0.93                                    of two classes the second one's
    {"label": "cat", "score": 0.9}, "cat", 3

Of anything else a JMESPath expression (NEO_ANSWER) makes one of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import numpy as np
import orjson

from app.detection.search import Answers
from app.ports import UpstreamAnswerError
from app.upstream.answers.one_score import OneScore
from app.upstream.answers.tensors import FEWEST_CLASSES
from app.wire.fields import excerpt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.upstream.answers.class_names import ClassNames

PREDICTIONS: Final = "predictions"
LABELS: Final = ("label", "class", "class_name", "name")
SCORES: Final = ("score", "probability", "confidence")
LONGEST_TEXT: Final = 200
LARGEST: Final = float(np.finfo(np.float32).max)


class Template(Protocol):
    """A compiled JMESPath expression."""

    def search(self, value: Any) -> Any:  # noqa: ANN401  # JSON
        """Return what the expression finds in *value*."""
        ...


def parse_ranking(
    body: bytes,
    names: ClassNames,
    template: Template | None = None,
    one_score: OneScore | None = None,
) -> Answers:
    """Read the answer to one picture. Raises UpstreamAnswerError."""
    said = _json(body)
    answer = said if template is None else _found(template, said)
    outputs = {PREDICTIONS: _object(said)}
    if template is None and isinstance(answer, dict) and PREDICTIONS in answer:
        answer = answer[PREDICTIONS]
    while isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], list | dict):
        answer = answer[0]
    if isinstance(answer, list) and all(isinstance(one, list) and len(one) == 1 for one in answer):
        answer = [one[0] for one in answer]
    match answer:
        case [float() as score] | (float() as score) if abs(score) <= LARGEST:
            return (one_score or OneScore()).answers(np.array([score]), outputs)
        case list() if len(answer) >= FEWEST_CLASSES and all(map(_is_number, answer)):
            scores = np.array([answer], np.float64)
            return Answers(scores.argmax(axis=1), scores.astype(np.float32), outputs=outputs)
        case list() if answer and all(isinstance(one, dict) for one in answer):
            ranking = [_entry(one, names) for one in answer]
        case dict() if any(key in answer for key in LABELS):
            ranking = [_entry(answer, names)]
        case dict() if len(answer) >= FEWEST_CLASSES and all(map(_is_number, answer.values())):
            ranking = [(names.index(name), float(score)) for name, score in answer.items()]
        case [str() | int() as label] | (str() | int() as label):
            ranking = [(_index(label, names), None)]
        case _:
            raise _unusable(said)
    return _answers(ranking, names, outputs)


def _answers(
    ranking: list[tuple[int, float | None]], names: ClassNames, outputs: dict[str, NDArray[Any]]
) -> Answers:
    scored = {label: score for label, score in ranking if score is not None}
    if not scored:
        return Answers(np.array([ranking[0][0]]), outputs=outputs)
    best = max(scored, key=scored.__getitem__)
    labels = np.array([best])
    if names.count is None:
        return Answers(labels, best=np.array([scored[best]], np.float32), outputs=outputs)
    scores = np.zeros((1, names.count), np.float32)  # what isn't among the best ones is near it
    for label, score in scored.items():
        scores[0, label] = score
    return Answers(labels, scores, outputs=outputs)


def _entry(entry: dict[str, Any], names: ClassNames) -> tuple[int, float | None]:
    label = next((entry[key] for key in LABELS if key in entry), None)
    score = next((entry[key] for key in SCORES if key in entry), None)
    if score is not None and not _is_number(score):
        raise _unusable(entry)
    return _index(label, names), None if score is None else float(score)


def _index(label: object, names: ClassNames) -> int:
    if isinstance(label, str):
        return names.index(label)
    if type(label) is int and 0 <= label < (names.count or 2**31):
        return label
    raise _unusable(label)


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and abs(cast("float", value)) <= LARGEST


def _json(body: bytes) -> Any:  # noqa: ANN401  # JSON
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        text = excerpt(body)
        if 0 < len(body) <= LONGEST_TEXT and text and not text.startswith(("<", "{", "[")):
            return text  # a label as plain text
        shown = repr(text[:40])
        message = f"the upstream's answer is neither JSON nor a label; it begins with: {shown}"
        raise UpstreamAnswerError(message, shown) from exc


def _found(template: Template, said: object) -> object:
    try:
        return template.search(said)
    except Exception as exc:  # jmespath's errors, and those of its functions
        message = f"NEO_ANSWER doesn't fit the upstream's answer: {exc}"
        raise UpstreamAnswerError(message, str(exc)) from exc


def _object(value: object) -> NDArray[Any]:
    array = np.empty(1, object)
    array[0] = value
    return array


def _unusable(said: object) -> UpstreamAnswerError:
    shown = excerpt(orjson.dumps(said))[:80]
    message = (
        f"the upstream's answer has no label or scores: {shown}; set"
        " NEO_ANSWER to a JMESPath expression that makes {label, score} of it"
    )
    return UpstreamAnswerError(message, shown)
