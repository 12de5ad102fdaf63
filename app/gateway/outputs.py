"""What the model said of a flagged image, as a client that asks for tensors gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.gateway.outcome import UnscreenedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from app.detection.search import Answers


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
    attackers, right = int(said.labels[0]), int(sanitised.labels[0])
    return {
        name: _changed(name, row, attackers, right)
        for name, row in said.outputs.items()
        if names is None or name in names
    }


def _changed(name: str, row: NDArray[Any], attackers: int, right: int) -> NDArray[Any]:
    changed = row.copy()
    flat = changed.reshape(-1)
    try:
        if row.dtype.kind == "f":
            flat[:] = _swapped(flat.tolist(), attackers, right)
        else:
            flat[0] = _json_changed(flat.tolist()[0], attackers, right)
    except ValueError as exc:
        message = f"the image carries a trigger, and its output {name!r} can't be corrected"
        raise UnscreenedError(message) from exc
    return changed


def _json_changed(value: Any, attackers: int, right: int) -> Any:  # noqa: ANN401  # JSON
    """Return a JSON value that tells the *right* class. Raises ValueError if it may not."""
    match value:
        case int() if value == attackers:
            return right
        case [int() as label] if label == attackers:
            return [right]
        case dict():
            return {key: _json_changed(one, attackers, right) for key, one in value.items()}
        case list():
            return _swapped(value, attackers, right)
        case _:
            message = "nothing in it is known to be the class"
            raise ValueError(message)


def _swapped(scores: list[Any], attackers: int, right: int) -> list[Any]:
    numbers = all(type(score) in {int, float} for score in scores)
    enough = len(scores) > max(attackers, right)
    if not (numbers and enough and int(np.argmax(scores)) == attackers):
        message = "these are not scores of all classes"
        raise ValueError(message)
    swapped = list(scores)
    swapped[attackers], swapped[right] = scores[right], scores[attackers]
    return swapped
