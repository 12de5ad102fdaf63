"""A table before anybody has decided where it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.evaluation.plan import Experiment


@dataclass(frozen=True)
class Sheet:
    """What an ``experiment`` shows: ``rows`` of as many words as the ``head`` has, ``notes`` below.

    The first ``names`` columns hold words, the others figures.
    """

    experiment: Experiment
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    names: int = 2
