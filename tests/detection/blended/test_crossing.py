"""The place that hidden bands cross is told without a question, whatever classes they reveal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.blended.crossing import crossed
from app.detection.plan import make_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.plan import Plan

PLAN = make_plan(48, 48, 3, 0.316)
LABEL, OTHER, THIRD = 2, 1, 5


def _told(rows: dict[int, int], columns: dict[int, int], plan: Plan = PLAN) -> NDArray[np.int64]:
    hidden = plan.hidden
    told = np.full(len(hidden.bands), LABEL)
    for i, one in rows.items():
        told[i] = one
    for i, one in columns.items():
        told[len(hidden.rows) + i] = one
    return told


def test_one_row_and_one_column_cross_in_a_cell() -> None:
    """They needn't reveal one class: what hides the place hides what is under it, too."""
    place = crossed(LABEL, _told({2: OTHER}, {1: THIRD}), PLAN)
    assert place is not None
    assert (PLAN.edged(PLAN.hidden.cell(2, 1)),) == place.pieces
    assert (OTHER, ()) == (place.source, place.terms)


def test_several_cross_about_a_middle() -> None:
    """As large as a cell, and no larger than a trigger may be."""
    place = crossed(LABEL, _told({1: OTHER, 2: THIRD, 3: OTHER}, {2: OTHER, 3: OTHER}), PLAN)
    assert place is not None
    (box,) = place.pieces
    first, last = (PLAN.edged(PLAN.hidden.cell(i, j)) for i, j in ((1, 2), (3, 3)))
    assert (first.y + last.y) // 2 == box.y
    assert (first.x + last.x) // 2 == box.x
    assert box.area <= PLAN.largest_area


def test_the_largest_of_several_places_is_it() -> None:
    """Two bands tell of more than one does."""
    place = crossed(LABEL, _told({0: THIRD, 4: OTHER, 5: OTHER}, {0: OTHER}), PLAN)
    assert place is not None
    assert place.pieces[0].y >= PLAN.edged(PLAN.hidden.cell(4, 0)).y
    assert place.source == OTHER


@pytest.mark.parametrize("rows", [{}, {2: OTHER}])
def test_nothing_crosses_where_bands_of_one_kind_tell_nothing(rows: dict[int, int]) -> None:
    """Nor where no band tells anything."""
    assert crossed(LABEL, _told(rows, {}), PLAN) is None


def test_nothing_is_noted_in_images_in_which_nothing_is_compared() -> None:
    """Of more than 128 pixels a side."""
    for side, is_noted in ((128, True), (129, False)):
        plan = make_plan(side, side, 3, 0.316)
        place = crossed(LABEL, _told({2: OTHER}, {1: OTHER}, plan), plan)
        assert is_noted == (place is not None)
