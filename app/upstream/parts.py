"""Images in parts, and the answers to the parts together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.search import Answers
from app.ports import UpstreamAnswerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.search import Images


def split(images: Images, most: int) -> list[Images]:
    """Cut *images* into parts of *most*, filled from the front."""
    return [images[start : start + most] for start in range(0, len(images), most)]


def filled_up(batch: NDArray[Any], count: int | None) -> NDArray[Any]:
    """Return *batch* with its last image again and again, where *count* are always asked at once.

    The answers to these are nobody's.
    """
    missing = (count or 0) - len(batch)
    return batch if missing <= 0 else np.concatenate([batch, np.repeat(batch[-1:], missing, 0)])


def joined(answers: Sequence[Answers]) -> Answers:
    """Join *answers*, which are of one kind: all with scores of the same classes, or all without.

    Raises UpstreamAnswerError if they aren't.
    """
    if len(answers) == 1:
        return answers[0]
    names = answers[0].outputs.keys()
    try:
        return Answers(
            np.concatenate([part.labels for part in answers]),
            _joined([part.scores for part in answers]),
            _joined([part.best for part in answers]),
            {name: np.concatenate([part.outputs[name] for part in answers]) for name in names},
        )
    except (KeyError, TypeError, ValueError) as exc:
        message = "the upstream's answers to one batch are not of one kind"
        raise UpstreamAnswerError(message) from exc


def _joined(arrays: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    there = [array for array in arrays if array is not None]
    if not there:
        return None
    if len(there) != len(arrays):
        message = "some answers have scores, and some have none"
        raise ValueError(message)
    return np.concatenate(there)
