"""When two findings are one trigger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.detection.geometry import Box
from app.library.sameness import same_trigger
from tests.library.findings import trigger

SQUARE = Box(20, 20, 6, 6)


@pytest.mark.parametrize(
    ("box", "same"),
    [
        (SQUARE, True),
        (Box(22, 22, 6, 6), True),  # the same sticker in the opposite corner
        (Box(10, 10, 40, 40), True),  # around it
        (Box(22, 22, 2, 2), True),  # in it
        (Box(25, 25, 6, 6), False),  # a corner in common
        (Box(26, 20, 6, 6), False),  # side by side
    ],
)
def test_goes_by_the_place(box: Box, same: bool) -> None:  # noqa: FBT001
    """Two findings are one trigger if one box is about the other, or most of it lies within."""
    one, other = replace(trigger(), box=SQUARE), replace(trigger(), box=box)
    assert same == same_trigger(one, other) == same_trigger(other, one)


@pytest.mark.parametrize(
    "change", [{"target": 4}, {"source": 1}, {"image_width": 48}, {"image_height": 48}]
)
def test_differs_with_what_it_does(change: dict[str, int]) -> None:
    """Another target, another source or images of another size make another trigger."""
    assert not same_trigger(trigger(), replace(trigger(), **change))  # type: ignore[arg-type]
