"""What the model said of a flagged image, as a client that asks for tensors gets it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.gateway.outcome import UnscreenedError
from app.wire.bf16 import STORED, narrowed, widened

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from app.detection.search import Answers

ROUNDING: Final = 1e-3
"""By how much the one score of two classes may differ from what was made of it."""


def sanitised_outputs(
    said: Answers, sanitised: Answers, names: Collection[str] | None = None
) -> Mapping[str, NDArray[Any]]:
    """Return the outputs of these *names*, or all, each (1, ...), for the *sanitised* answer.

    They are the model's own for the blocked image. Where no blocked image had another answer it is
    the class that scored next to the attacker's; then the two change places in what was *said*.
    Raises UnscreenedError where an output can't be changed: it might tell the attacker's class.
    """
    if sanitised.outputs or not said.outputs:
        return sanitised.outputs
    two = said.scores is not None and said.scores.shape[1] == 2  # noqa: PLR2004  # two classes
    both = tuple(said.scores[0].tolist()) if said.scores is not None and two else None
    change = _Change(int(said.labels[0]), int(sanitised.labels[0]), both)
    return {
        name: _changed(name, row, change)
        for name, row in said.outputs.items()
        if names is None or name in names
    }


@dataclass(frozen=True)
class _Change:
    """From the *attackers*' class to the *right* one; *both* are the scores of two classes."""

    attackers: int
    right: int
    both: tuple[float, float] | None

    def of_scores(self, scores: list[Any]) -> list[Any]:
        """Return *scores* of all classes, or the one of two. Raises ValueError if they aren't."""
        if len(scores) == 1:
            return [self._of_one(scores[0])]
        enough = len(scores) > max(self.attackers, self.right)
        if not (enough and all(map(_is_number, scores)) and np.argmax(scores) == self.attackers):
            message = "these are not scores of all classes"
            raise ValueError(message)
        swapped = list(scores)
        swapped[self.attackers], swapped[self.right] = scores[self.right], scores[self.attackers]
        return swapped

    def _of_one(self, score: Any) -> float:  # noqa: ANN401  # JSON
        """Return the score that says the other one of two classes."""
        if (
            self.both is not None
            and _is_number(score)
            and math.isclose(score, self.both[1], rel_tol=ROUNDING, abs_tol=ROUNDING)
        ):
            probability = math.isclose(sum(self.both), 1, abs_tol=ROUNDING)
            other: float = 1 - score if probability else -score
            if (other > (0.5 if probability else 0)) is bool(self.right):
                return other
        message = "this is not the one score of two classes"
        raise ValueError(message)

    def of_json(self, value: Any) -> Any:  # noqa: ANN401  # JSON
        """Return a JSON value that tells the right class. Raises ValueError if it may not."""
        match value:
            case int() if value == self.attackers:
                return self.right
            case [int() as label] if label == self.attackers:
                return [self.right]
            case dict():
                return {key: self.of_json(one) for key, one in value.items()}
            case float():
                return self._of_one(value)
            case [list(), *_]:
                nested = np.array(value)
                return np.reshape(self.of_scores(nested.ravel().tolist()), nested.shape).tolist()
            case list():
                return self.of_scores(value)
            case _:
                message = "nothing in it is known to be the class"
                raise ValueError(message)


def _changed(name: str, row: NDArray[Any], change: _Change) -> NDArray[Any]:
    changed = row.copy()
    flat = changed.reshape(-1)
    try:
        if row.dtype == STORED:
            flat[:] = narrowed(np.array(change.of_scores(widened(flat).tolist())))
        elif row.dtype.kind == "f":
            flat[:] = change.of_scores(flat.tolist())
        else:
            flat[0] = change.of_json(flat.tolist()[0])
    except ValueError as exc:
        message = f"the image carries a trigger, and its output {name!r} can't be corrected"
        raise UnscreenedError(message) from exc
    return changed


def _is_number(value: object) -> bool:
    return type(value) in {int, float}
