"""What several suspects show together is no larger than a trigger."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.geometry import Box
from app.detection.suspect import Kept, suspect_in
from app.detection.suspects.alike import alike_in, joined
from app.detection.trigger import Sign, Term
from tests.detection.suspects.worlds import SOURCE, TARGET, bearing, by_its_ends

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


def test_an_image_joins_what_suspects_show_as_far_as_the_plan_has_it() -> None:
    """Two of them overlap, and are larger together than the largest trigger that is believed."""
    its, whole = by_its_ends(), Box(8, 6, 8, 19)
    assert whole.area > its.plan.largest_area
    levels = np.array([0, 255], np.uint8)
    patch = np.random.default_rng(7).choice(levels, (whole.height, whole.width, 3))
    first, second, *_, third = (bearing(one, patch, whole) for one in its.of_class(SOURCE)[:5])
    halves = (first, Box(6, 3, 12, 13)), (second, Box(6, 13, 12, 13))
    terms = (Term(Sign.BLOCKING, 2.0, ""),)
    kept = [
        Kept(f"s-{box.y}", suspect_in(image, TARGET, box, source=None, terms=terms))
        for image, box in halves
    ]
    (alike,) = alike_in(third, TARGET, replace(its.defence(), suspects=kept))
    assert {one.id for one in kept} == set(alike.ids)
    assert alike.box == alike.around
    silent = [replace(one, suspect=replace(one.suspect, terms=())) for one in kept]
    assert not alike_in(third, TARGET, replace(its.defence(), suspects=silent)), "it is 3.13's"
