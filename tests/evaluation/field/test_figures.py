"""The figures of a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.evaluation.field.cells import Cell
from app.evaluation.field.figures import caught_at, rows
from app.evaluation.field.models import FieldModel
from tests.evaluation.field.recorded import columns

MODEL = FieldModel("mnist", "plain", "badnets", "10%", Path("badnets-10"))
CLEAN = FieldModel("mnist", "plain", "none", "", Path("none"))


def test_a_row_is_over_all_seeds() -> None:
    """Of two streams with two poisoned images each three are caught, the first in one of them."""
    (row, clean) = rows(
        {
            Cell(MODEL, "strip", 0): columns([0, 0, 0, 1, 1], poisoned=2),
            Cell(MODEL, "strip", 1): columns([0, 1, 0, 0, 1], poisoned=2),
            Cell(CLEAN, "strip", 0): columns([0, 0, 0, 1], poisoned=0),
        }
    )
    assert row.tpr is not None
    assert row.fpr is not None
    assert row.first_flagged is not None
    assert row.clean_fpr is not None
    assert (3, 4, 1, 6) == (row.tpr.hits, row.tpr.of, row.fpr.hits, row.fpr.of)
    assert (1, 2) == (row.first_flagged.hits, row.first_flagged.of)
    assert (1, 4) == (row.clean_fpr.hits, row.clean_fpr.of)
    assert row.auroc is not None
    assert pytest.approx((1 + (0.5 + 0.5 * (5 / 6 + 1 / 2)) / 2) / 2, abs=0.2) == row.auroc.value
    assert (None, None) == (clean.auroc, clean.tpr)


def test_answers_before_and_after() -> None:
    """A refused image is no success of the attack, is not right, and agrees with nothing."""
    (row,) = rows({Cell(MODEL, "strip", 0): columns([0, 1, 0, 0, 1], poisoned=2)})
    values = [
        (one.hits, one.of)
        for one in (
            row.accuracy_before,
            row.accuracy_after,
            row.success_before,
            row.success_after,
            row.agreement,
        )
        if one is not None
    ]
    assert [(3, 3), (2, 3), (2, 2), (1, 2), (2, 5)] == values
    assert row.added_ms is not None
    assert pytest.approx(4) == row.added_ms.value


def test_a_row_says_how_many_of_its_runs_are_of_earlier_code() -> None:
    """Each row of its own cells."""
    first, second = Cell(MODEL, "strip", 0), Cell(MODEL, "strip", 1)
    other = Cell(CLEAN, "strip", 0)
    recorded = columns([0, 1], poisoned=1)
    measured = {first: recorded, second: recorded, other: columns([0, 0], poisoned=0)}
    assert [(2, 1), (1, 0)] == [(row.runs, row.earlier) for row in rows(measured, {second})]
    assert [0, 0] == [row.earlier for row in rows(measured)]


def test_the_line_for_a_rate_of_false_alarms_lets_no_more_through() -> None:
    """At 1 % one of 200 clean images may be above; with equal scores that are more, none is."""
    poisoned = np.arange(203) >= 200
    score = np.concatenate([np.arange(200.0), [197.5, 198.5, 500]])
    found = caught_at(0.01, score, poisoned)
    strict = caught_at(0.001, score, poisoned)
    assert found is not None
    assert strict is not None
    assert (3, 1) == (found.hits, strict.hits)
    equal = caught_at(0.01, np.ones(203), poisoned)
    assert equal is not None
    assert 0 == equal.hits
