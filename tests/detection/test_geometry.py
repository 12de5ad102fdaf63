"""Boxes, and covers without a hole between two windows."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.geometry import Box, around, merged, starts, windows
from tests.detection.shapes import boxes_within

LENGTHS = st.integers(8, 512)


@st.composite
def axes(draw: st.DrawFn) -> tuple[int, int, int]:
    """Draw a length, a window that fits into it and a trigger that fits into the window."""
    length = draw(LENGTHS)
    window = draw(st.integers(1, length))
    return length, window, draw(st.integers(1, window))


@given(axes())
def test_starts_leave_no_interval_between_two_windows(axis: tuple[int, int, int]) -> None:
    """Wherever an interval of the trigger's length begins, one window holds it whole."""
    length, window, trigger = axis
    begins = np.array(starts(length, window, trigger))
    for interval in range(length - trigger + 1):
        assert ((begins <= interval) & (interval + trigger <= begins + window)).any()


@given(axes())
def test_starts_are_flush_with_both_edges(axis: tuple[int, int, int]) -> None:
    """The first window begins at the edge, the last one ends there, and they only move on."""
    length, window, trigger = axis
    begins = starts(length, window, trigger)
    assert (0, length - window) == (begins[0], begins[-1])
    assert sorted(set(begins)) == list(begins)


@given(axes())
def test_starts_are_as_few_as_can_be(axis: tuple[int, int, int]) -> None:
    """One window fewer would have to reach further than windows that hold every interval can."""
    length, window, trigger = axis
    fewer = len(starts(length, window, trigger)) - 1
    assert fewer * window - (fewer - 1) * (trigger - 1) < length


@pytest.mark.parametrize(("length", "window", "trigger"), [(8, 3, 4), (8, 9, 2)])
def test_windows_that_cannot_hold_the_trigger(length: int, window: int, trigger: int) -> None:
    """A window smaller than the trigger, or larger than the length, is refused."""
    with pytest.raises(ValueError, match=f"window of {window} can't hold {trigger} pixels"):
        starts(length, window, trigger)


@given(st.data())
def test_windows_stay_inside_their_area(data: st.DataObject) -> None:
    """No window leaves the area, which may itself lie anywhere."""
    area = data.draw(boxes_within(64, 48))
    width, height = data.draw(st.integers(1, area.width)), data.draw(st.integers(1, area.height))
    for box in windows(area, width, height, data.draw(st.integers(1, 64))):
        assert (width, height) == (box.width, box.height)
        assert area.x <= box.x <= area.x + area.width - width
        assert area.y <= box.y <= area.y + area.height - height


@given(boxes_within(40, 30), st.integers(0, 8))
def test_grown_box_is_the_dilated_pixels(box: Box, margin: int) -> None:
    """Growing a box is what dilating its pixels is, cut off at the edges."""
    grown = box.grown(margin, 40, 30)
    rows, columns = np.mgrid[:30, :40]
    near = (
        (rows >= box.y - margin)
        & (rows < box.y + box.height + margin)
        & (columns >= box.x - margin)
        & (columns < box.x + box.width + margin)
    )
    assert np.array_equal(near, _pixels(grown))


@given(boxes_within(40, 30), boxes_within(40, 30))
def test_overlap_is_intersection_over_union(one: Box, other: Box) -> None:
    """The overlap is that of the pixels, whichever box is asked."""
    both, either = _pixels(one) & _pixels(other), _pixels(one) | _pixels(other)
    assert pytest.approx(both.sum() / either.sum()) == one.overlap(other)
    assert one.overlap(other) == other.overlap(one)


@given(boxes_within(40, 30))
def test_box_counts_and_holds_its_own_pixels(box: Box) -> None:
    """The area is the number of pixels, and a point is held where the box has a pixel."""
    pixels = _pixels(box)
    assert pixels.sum() == box.area
    held = [[box.holds((x, y)) for x in range(40)] for y in range(30)]
    assert np.array_equal(pixels, held)
    assert box.holds(box.centre)


@given(st.lists(boxes_within(40, 30), min_size=1, max_size=6))
def test_around_is_the_smallest_that_holds_all(boxes: list[Box]) -> None:
    """The box holds each of them, and each of its edges is an edge of one of them."""
    rows, columns = np.nonzero(np.any([_pixels(box) for box in boxes], axis=0))
    whole = around(boxes)
    assert [columns.min(), rows.min()] == [whole.x, whole.y]
    assert [np.ptp(columns) + 1, np.ptp(rows) + 1] == [whole.width, whole.height]


@given(st.lists(boxes_within(40, 30), max_size=8))
def test_merged_boxes_are_apart_and_hold_all(boxes: list[Box]) -> None:
    """Merged boxes share no pixel, each box is whole in one, and each is around what it holds."""
    apart = merged(boxes)
    assert not any(one.overlap(other) for one, other in combinations(apart, 2))
    held = [[box for box in boxes if around([box, one]) == one] for one in apart]
    assert len(boxes) == sum(len(inside) for inside in held)
    assert [around(inside) for inside in held] == list(apart)


@given(st.lists(boxes_within(40, 30), max_size=8))
def test_merging_again_changes_nothing(boxes: list[Box]) -> None:
    """What is apart already stays as it is."""
    apart = merged(boxes)
    assert apart == merged(apart)


def _pixels(box: Box) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    pixels = np.zeros((30, 40), bool)
    pixels[box.rows, box.columns] = True
    return pixels
