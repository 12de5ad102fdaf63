"""The plan: no trigger of its sizes lies between two windows, at any scale, narrowed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.geometry import Box
from app.detection.plan import make_plan
from app.detection.transplants import Suspect, narrowed
from tests.detection.shapes import plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.plan import Plan


@given(plans())
def test_every_trigger_is_inside_a_window_of_its_scale(plan: Plan) -> None:
    """Every square of side t, at every place of the image, is whole in a window of its scale."""
    for scale in plan.scales:
        image = Box(0, 0, plan.width, plan.height)
        assert _holds_every_square(scale.windows, image, scale.trigger)


@given(plans(), st.data())
def test_every_trigger_stays_inside_a_narrowed_window(plan: Plan, data: st.DataObject) -> None:
    """However often a window is narrowed, every square of side t in it is whole in a part."""
    for scale in plan.scales:
        origin = data.draw(st.integers(0, len(scale.windows) - 1))
        suspect = Suspect(scale.windows[origin], scale, origin)
        while (parts := narrowed(suspect)) != [suspect]:
            assert _holds_every_square([p.box for p in parts], suspect.box, scale.trigger)
            assert all(part.box.area < suspect.box.area for part in parts)
            suspect = data.draw(st.sampled_from(parts))
        assert max(suspect.box.width, suspect.box.height) <= scale.narrow


@given(plans())
def test_windows_stay_in_the_image(plan: Plan) -> None:
    """No window leaves the image."""
    for scale in plan.scales:
        for box in scale.windows:
            assert min(box.x, box.y) >= 0
            assert box.x + box.width <= plan.width
            assert box.y + box.height <= plan.height


@given(st.integers(8, 512), st.integers(8, 512), st.floats(0.05, 0.5))
def test_the_largest_trigger_asked_for_is_covered(
    height: int, width: int, trigger_max: float
) -> None:
    """The largest scale holds triggers of the side that was asked for, and believes them."""
    side = round(trigger_max * min(height, width))
    plan = make_plan(height, width, 3, trigger_max)
    assert max(scale.trigger for scale in plan.scales) >= side
    assert plan.largest_area >= side**2


@pytest.mark.parametrize("side", [8, 28, 64, 224, 512])
def test_opening_is_small(side: int) -> None:
    """A clean image's first round asks at most 18 windows, however large the image."""
    plan = make_plan(side, side, 3, 0.316)
    assert sum(len(scale.windows) for scale in plan.scales) <= 18


def _holds_every_square(boxes: Sequence[Box], area: Box, side: int) -> bool:
    """Mark where the upper left corner of a square may lie so that a box holds it."""
    held = np.zeros((area.height - side + 1, area.width - side + 1), bool)
    for box in boxes:
        top, left = box.y - area.y, box.x - area.x
        held[top : top + box.height - side + 1, left : left + box.width - side + 1] = True
    return bool(held.all())
