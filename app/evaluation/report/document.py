"""The JSON document: every figure, and what was recorded image by image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from app.evaluation.measures.series import series

if TYPE_CHECKING:
    from app.evaluation.experiments.results import Results
    from app.evaluation.measures.series import Series
    from app.evaluation.plan import Errand
    from app.evaluation.runs.evaluating import Evaluation
    from app.settings import SearchMode

FORMAT = 1
"""Of the document; another one would no longer be read by what reads this."""


@dataclass(frozen=True)
class Facts:
    """What was done: with which program, when (ISO 8601), and the options that shape the result.

    A gateway doesn't tell what it looks for: then ``trigger_max`` and ``search`` are None.
    """

    program: str
    made_at: str
    images: int
    trigger_max: float | None
    search: SearchMode | None


@dataclass(frozen=True, eq=False)
class _Made:
    """One run: what it was to do, and its images as columns."""

    errand: Errand
    series: Series


@dataclass(frozen=True, eq=False)
class _Document:
    format: int
    facts: Facts
    complete: bool
    missing: tuple[Errand, ...]
    results: Results
    runs: tuple[_Made, ...]


def document(evaluation: Evaluation, results: Results, facts: Facts) -> bytes:
    """Return the document as JSON; rates and means come with their intervals."""
    whole = _Document(
        FORMAT,
        facts,
        not evaluation.missing,
        evaluation.missing,
        results,
        tuple(_Made(errand, series(run)) for errand, run in evaluation.runs.items()),
    )
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(whole, option=options)
