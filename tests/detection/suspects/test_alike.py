"""What several suspects show together is no larger than a trigger."""

from __future__ import annotations

import pytest

from app.detection.geometry import Box
from app.detection.suspects.alike import joined

EDGE, CORNER = Box(10, 10, 4, 4), Box(14, 14, 4, 4)
BESIDE = Box(28, 10, 4, 4)
"""What an attacker has repeated there."""


@pytest.mark.parametrize(
    ("boxes", "whole"),
    [
        ([EDGE], EDGE),
        ([EDGE, CORNER], Box(10, 10, 8, 8)),
        ([EDGE, BESIDE, CORNER], Box(10, 10, 8, 8)),
        ([EDGE, BESIDE], EDGE),
    ],
)
def test_places_are_joined_as_far_as_they_are_a_triggers(boxes: list[Box], whole: Box) -> None:
    """A place too far off is left out, and the others, less alike than it, are still joined."""
    assert whole == joined(boxes, 64)
