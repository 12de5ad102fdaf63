"""When two findings are one trigger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.detection.geometry import Box
from app.library.rules.sameness import same_trigger
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


@pytest.mark.parametrize("change", [{"target": 4}, {"image_width": 48}, {"image_height": 48}])
@pytest.mark.parametrize("source", [None, 1])
def test_differs_with_what_it_does(change: dict[str, int], source: int | None) -> None:
    """Another target of all classes, or images of another size, make another trigger."""
    one = trigger(source=source)
    other = replace(trigger(), **change)  # type: ignore[arg-type]
    assert not same_trigger(one, other)
    assert not same_trigger(other, one)


def test_leads_each_class_to_one_of_its_own() -> None:
    """Found from images of two classes, an all-to-all trigger has two targets and is one."""
    one, other = trigger(4, source=3), trigger(5, source=4)
    assert same_trigger(one, other)
    assert same_trigger(other, one)
    elsewhere = replace(other, box=Box(60, 60, 4, 4))
    assert not same_trigger(one, elsewhere)


def test_of_one_class_and_of_all() -> None:
    """With one target it is one trigger, whether it was found on one class or on all."""
    one, other = trigger(), trigger(source=1)
    assert same_trigger(one, other)
    assert same_trigger(other, one)
