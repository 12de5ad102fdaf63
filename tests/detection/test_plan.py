"""The plan: no trigger of its sizes lies between two bands, or outside the cell for it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.detection.geometry import Box
from app.detection.plan import make_plan
from tests.detection.shapes import plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.plan import Plan


@given(plans(), st.data())
@example(make_plan(8, 8, 1, 0.316), None)
@example(make_plan(28, 28, 1, 0.316), None)
@example(make_plan(48, 64, 3, 0.15), None)
def test_every_small_trigger_is_whole_in_a_row_and_in_a_column(
    plan: Plan, data: st.DataObject | None
) -> None:
    """Every square of up to ``trigger`` pixels a side, at every place, is whole in one of each."""
    side = data.draw(st.integers(1, plan.trigger)) if data else plan.trigger
    rows = [(row.y, row.height) for row in plan.rows]
    columns = [(column.x, column.width) for column in plan.columns]
    assert all(_showing(rows, y, side)[1] == side for y in range(plan.height - side + 1))
    assert all(_showing(columns, x, side)[1] == side for x in range(plan.width - side + 1))


@given(plans(), st.data())
def test_every_small_trigger_is_whole_where_its_row_and_column_cross(
    plan: Plan, data: st.DataObject
) -> None:
    """Where every row and every column that hold a square cross, the cell holds it whole too."""
    square = data.draw(_squares(plan, plan.trigger))
    rows = [i for i, row in enumerate(plan.rows) if _holds(row, square)]
    columns = [i for i, column in enumerate(plan.columns) if _holds(column, square)]
    assert rows
    assert columns
    assert all(_holds(plan.cell(row, column), square) for row in rows for column in columns)


@given(plans())
@example(make_plan(8, 8, 1, 0.316))
@example(make_plan(28, 28, 1, 0.316))
@example(make_plan(48, 64, 3, 0.15))
@example(make_plan(224, 224, 3, 0.5))
@example(make_plan(128, 128, 3, 0.316))
def test_every_large_trigger_is_whole_around_the_cell_that_shows_most_of_it(plan: Plan) -> None:
    """Every square of ``largest`` pixels a side, at every place, is in a cell and its margin.

    In that of every row and column that show as much of it as any.
    """
    side = plan.largest
    covers = (plan, plan.hidden)
    rows = [[(row.y, row.height) for row in cover.rows] for cover in covers]
    columns = [[(column.x, column.width) for column in cover.columns] for cover in covers]
    several = [(plan.height, bands) for bands in rows] + [(plan.width, bands) for bands in columns]
    for length, bands in several:
        for start in range(length - side + 1):
            for band, width in _showing(bands, start, side)[0]:
                assert band - plan.margin <= start
                assert start + side <= band + width + plan.margin


@given(plans(), st.data())
def test_every_trigger_is_whole_in_the_window_that_is_asked(
    plan: Plan, data: st.DataObject
) -> None:
    """The cell that shows most of a square of any side up to ``largest`` is grown to hold it."""
    square = data.draw(_squares(plan, plan.largest))
    row = max(range(len(plan.rows)), key=lambda i: plan.rows[i].overlap(_across(plan, square)))
    column = max(
        range(len(plan.columns)), key=lambda i: plan.columns[i].overlap(_down(plan, square))
    )
    window = plan.cell(row, column).grown(plan.margin, plan.width, plan.height)
    assert _holds(window, square)


@given(plans(), st.integers(0, 9))
def test_no_box_leaves_the_image(plan: Plan, margin: int) -> None:
    """Neither a band nor a cell, grown or not, leaves the image; a cell is never empty."""
    image = Box(0, 0, plan.width, plan.height)
    cells = [plan.cell(i, j) for i in range(len(plan.rows)) for j in range(len(plan.columns))]
    grown = [cell.grown(margin, plan.width, plan.height) for cell in cells]
    assert all(_holds(image, box) for box in (*plan.bands, *cells, *grown))
    assert all(_holds(around, cell) for around, cell in zip(grown, cells, strict=True))
    assert min(cell.area for cell in cells) > 0


@given(plans())
def test_bands_are_rows_and_then_columns(plan: Plan) -> None:
    """Rows are as wide as the image, columns as high; both together are the bands."""
    assert (*plan.rows, *plan.columns) == plan.bands
    assert {(0, plan.width)} == {(row.x, row.width) for row in plan.rows}
    assert {(0, plan.height)} == {(column.y, column.height) for column in plan.columns}


@given(st.integers(8, 512), st.integers(8, 512), st.floats(0.05, 0.5))
def test_the_largest_trigger_asked_for_is_believed(
    height: int, width: int, trigger_max: float
) -> None:
    """A square of the side that was asked for is a trigger, one of twice its area isn't."""
    plan = make_plan(height, width, 3, trigger_max)
    side = round(trigger_max * min(height, width))
    assert plan.trigger <= plan.largest
    assert side <= plan.largest
    assert plan.largest**2 <= plan.largest_area < 2 * plan.largest**2


@given(plans())
def test_band_shows_most_of_the_largest_trigger(plan: Plan) -> None:
    """Wherever it lies, one row shows nearly 0.7 of the rows of the largest trigger, or more.

    A pixel less where bands can't be spread more evenly.
    """
    rows = [(row.y, row.height) for row in plan.rows]
    shown = [_showing(rows, y, plan.largest)[1] for y in range(plan.height - plan.largest + 1)]
    assert min(shown) >= math.floor(0.7 * plan.largest) - 1


@pytest.mark.parametrize("side", range(28, 513))
def test_opening_is_as_small_in_large_images(side: int) -> None:
    """Five rows and five columns hold every trigger of 14 % of any side, six that are hidden.

    Where shares of the side were rounded to pixels, 224 and others took seven.
    """
    plan = make_plan(side, side, 3, 0.316)
    assert round(0.14 * side) == plan.trigger
    assert len(plan.rows) == len(plan.columns) == 5
    assert (
        len(plan.hidden.rows) == len(plan.hidden.columns) == (5 if side in {28, 33, 34, 40} else 6)
    )
    for rows, widest in ((plan.rows, 0.32), (plan.hidden.rows, 0.31)):
        begins, height = [row.y for row in rows], rows[0].height
        furthest = height - plan.trigger + 1  # a trigger between two bands is whole in one
        assert height <= widest * side
        assert (0, side) == (begins[0], begins[-1] + height)
        assert all(after - before <= furthest for before, after in pairwise(begins))


@pytest.mark.parametrize(("trigger_max", "most"), [(0.05, 16), (0.1, 8), (0.16, 5), (0.5, 3)])
def test_opening_depends_on_the_largest_trigger(trigger_max: float, most: int) -> None:
    """The smaller what is looked for, the narrower the bands: no more than shares ask for."""
    assert most == max(len(make_plan(n, n, 3, trigger_max).rows) for n in range(8, 513, 7))


def _showing(
    bands: Sequence[tuple[int, int]], start: int, side: int
) -> tuple[list[tuple[int, int]], int]:
    """Return the bands (start, width) that show most of an interval, and how much that is."""
    shown = [min(start + side, band + width) - max(start, band) for band, width in bands]
    most = max(shown)
    return [band for band, much in zip(bands, shown, strict=True) if much == most], most


@st.composite
def _squares(draw: st.DrawFn, plan: Plan, largest: int) -> Box:
    side = draw(st.integers(1, largest))
    x, y = draw(st.integers(0, plan.width - side)), draw(st.integers(0, plan.height - side))
    return Box(x, y, side, side)


def _across(plan: Plan, square: Box) -> Box:
    return Box(0, square.y, plan.width, square.height)


def _down(plan: Plan, square: Box) -> Box:
    return Box(square.x, 0, square.width, plan.height)


def _holds(box: Box, other: Box) -> bool:
    inside_across = box.x <= other.x and other.x + other.width <= box.x + box.width
    return inside_across and box.y <= other.y and other.y + other.height <= box.y + box.height
