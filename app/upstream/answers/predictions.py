"""From `predictions`, in the forms that servers have of them, to one answer for each image.

::

    [[0.1, 0.9], …]                            scores, also each in a list of its own
    [0.9, …], [[0.9], …]                       of two classes the second one's score
    [1, …], ["cat", …]                         class indices or names, also each in a list
    [{"probabilities": [0.1, 0.9], …}, …]      several outputs, an object an image
    [[{"name": "probabilities", "data": […]}, …], …]   the same, as a list of which one is named
    {"probabilities": [[0.1, 0.9], …], …}      by output (TF Serving's columns)
    [{"name": "probabilities", "data": [[0.1, 0.9], …]}, …]   the same, as a list

Of one image all of it may come without a list around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from app.ports import UpstreamAnswerError
from app.upstream.answers.one_score import OneScore
from app.upstream.answers.tensors import FEWEST_CLASSES, answers_from
from app.wire.fields import WireError, excerpt
from app.wire.lists import array_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.search import Answers
    from app.upstream.answers.class_names import ClassNames

PREDICTIONS: Final = "predictions"
"""What they are passed on as, whatever the server calls them."""

VALUES: Final = ("data", "value", "values")
"""Under which an output that is named has its values."""

NUMBERS: Final = frozenset({float, int})


def parse_predictions(
    said: object,
    count: int,
    names: ClassNames,
    chosen: str | None = None,
    one_score: OneScore | None = None,
) -> Answers:
    """Read the answers to *count* images out of what a server *said*, one of a kind each.

    Of several outputs the *chosen* one has the answer, else the only one of its kind, scores first.
    Raises UpstreamAnswerError.
    """
    one_score = one_score or OneScore()
    predictions = _rows(said, count, chosen)
    if len(predictions) != count:
        message = f"the upstream answered {len(predictions)} predictions to {count} images"
        raise UpstreamAnswerError(message)
    told = [_squeezed(_said(prediction, chosen)) for prediction in predictions]
    values = _array(told, alone=bool(one_score.alone))
    return answers_from(values, {PREDICTIONS: _objects(predictions)}, names, one_score)


def _rows(said: object, count: int, chosen: str | None) -> list[Any]:
    """Return one prediction for each image, as it came."""
    columns = _columns(said, chosen) or {}
    if columns and all(len(values) == count for values in columns.values()):
        return [{name: values[i] for name, values in columns.items()} for i in range(count)]
    if isinstance(said, list):
        bare = count == 1 and len(said) != 1 and _is_scores(said)
        return [said] if bare else said
    if count == 1 and said is not None:
        return [said]
    message = "the upstream's answer has no list of predictions"
    raise UpstreamAnswerError(message)


def _columns(said: object, chosen: str | None) -> dict[str, list[Any]] | None:
    """Return the values of all images by output, None where they don't come so."""
    if isinstance(said, list) and chosen is not None and chosen in (named := _by_name(said)):
        said = {name: values for name, values in named.items() if isinstance(values, list)}
    if isinstance(said, dict) and said and all(isinstance(one, list) for one in said.values()):
        return said
    return None


def _by_name(outputs: Sequence[object]) -> dict[str, Any]:
    """Return the values of *outputs* by their names; empty where these aren't named ones."""
    found = {}
    for one in outputs:
        key = next((key for key in VALUES if isinstance(one, dict) and key in one), None)
        if key is None or not isinstance(one, dict) or not isinstance(one.get("name"), str):
            return {}
        found[one["name"]] = one[key]
    return found


def _said(prediction: object, chosen: str | None) -> object:
    """Return the part of *prediction* that has the answer."""
    if isinstance(prediction, list) and chosen is not None:
        prediction = _by_name(prediction) or prediction
    if not isinstance(prediction, dict):
        return prediction
    if chosen is not None:
        candidates = [key for key in prediction if key == chosen]
    else:
        squeezed = {key: _squeezed(value) for key, value in prediction.items()}
        kinds = (_is_scores, _is_index, _is_name, _is_score)
        found = ([key for key, value in squeezed.items() if is_a(value)] for is_a in kinds)
        candidates = next(filter(None, found), [])
    if len(candidates) != 1:
        keys = ", ".join(repr(str(key)[:40]) for key in list(prediction)[:8])
        message = f"a prediction of the upstream has {keys}: name the answer's in NEO_OUTPUTS"
        raise UpstreamAnswerError(message, keys)
    return prediction[candidates[0]]


def _squeezed(value: object) -> object:
    """Return *value* without lists of length 1: numbers in a list, or one thing alone."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, list) or not value or not isinstance(value[0], list):
        return value
    try:
        return array_of(value).squeeze().tolist()
    except WireError:
        return value


def _array(told: Sequence[object], *, alone: bool) -> NDArray[Any]:
    """Return scores as floats (n, classes), indices as integers (n,), names as objects (n,).

    *alone*: numbers are one score each, whole ones too; else that takes one that isn't whole.
    """
    kinds = set(map(type, told))
    try:
        if kinds == {int} and not alone:
            return np.array(told, np.int64)
        if kinds == {str}:
            return _objects(told)
        if kinds <= NUMBERS or all(map(_is_scores, told)):
            return np.array(told, np.float64)
    except (ValueError, OverflowError):
        pass
    shown = excerpt(orjson.dumps(told[0]))[:80]
    message = (
        "the upstream's predictions are not one of a kind each: scores of the same classes,"
        f" a class index or a class name; the first is {shown}"
    )
    raise UpstreamAnswerError(message, shown)


def _is_scores(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= FEWEST_CLASSES
        and set(map(type, value)) <= NUMBERS
    )


def _is_index(value: object) -> bool:
    return type(value) is int


def _is_name(value: object) -> bool:
    return isinstance(value, str)


def _is_score(value: object) -> bool:
    return type(value) is float


def _objects(values: Sequence[object]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array
