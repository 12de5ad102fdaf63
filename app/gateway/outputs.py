"""What the model said of a flagged image, as a client that asks for tensors gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.gateway.outcome import UnscreenedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from app.detection.search import Answers


def sanitised_outputs(said: Answers, sanitised: Answers) -> Mapping[str, NDArray[Any]]:
    """Return the outputs, each (1, ...), that stand for the *sanitised* answer.

    They are the model's own for the blocked image. Where no blocked image had another answer it is
    the class that scored next to the attacker's; then the two change places in what was *said*.
    Raises UnscreenedError where an output can't be changed: it might tell the attacker's class.
    """
    if sanitised.outputs or not said.outputs:
        return sanitised.outputs
    attackers, right = int(said.labels[0]), int(sanitised.labels[0])
    return {name: _changed(name, row, attackers, right) for name, row in said.outputs.items()}


def _changed(name: str, row: NDArray[Any], attackers: int, right: int) -> NDArray[Any]:
    changed = row.copy()
    flat = changed.reshape(-1)
    if row.dtype.kind == "f" and flat.size > max(attackers, right) and flat.argmax() == attackers:
        flat[[attackers, right]] = flat[[right, attackers]]
    elif row.dtype.kind in "iu" and flat.size == 1 and flat[0] == attackers:
        flat[0] = right
    else:
        message = f"the image carries a trigger, and its output {name!r} can't be corrected"
        raise UnscreenedError(message)
    return changed
