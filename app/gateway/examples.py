"""Reference images before and after a trigger is stamped on them, with the model's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.detection.search import Answers, Images


@dataclass(frozen=True, eq=False)
class Examples:
    """The reconstructed poisoned inputs: n pairs of images, and what the model says of each.

    ``clean`` and ``stamped`` are (n, height, width, channels); the answers are in the same order.
    """

    clean: Images
    stamped: Images
    clean_answers: Answers
    stamped_answers: Answers
