"""What is evaluated: a model, the images for it, and the attack that is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.evaluation.attacks.attacks import Attack
    from app.ports import Model


@dataclass(frozen=True, eq=False)
class Subject:
    """A model with clean ``references`` and ``test`` images (n, h, w, c) at its size.

    ``labels`` (n,) are the true classes of ``test``, ``class_names`` may be empty. ``attack`` is
    None where none is known: then there are only false alarms to be measured.
    """

    name: str
    model: Model
    references: Images
    test: Images
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    attack: Attack | None
