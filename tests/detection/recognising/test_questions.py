"""What is asked of an image about a known trigger."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.images import block
from app.detection.recognising.questions import (
    BLOCKED,
    JOINT_AREA,
    MORE_TRANSPLANTS,
    OTHER_FILL,
    TRANSPLANTS,
    grouped,
    jointly_blocked,
    narrow,
    placed,
    questions,
    transplants,
    wide,
)
from app.detection.recognising.sighting import Sighting, sighted
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import scene
from tests.tiny import SIDE, TARGET, TRIGGER_BOX, stamped, tiny_trigger

KNOWN = Known("t", tiny_trigger())
HOME = Sighting(KNOWN, (TRIGGER_BOX,), 1.0, 1.0)


def test_they_hide_and_carry_the_trigger() -> None:
    """The first probes hide the trigger, the others show it on references of other classes."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    asked = questions(poisoned, sighted(poisoned, KNOWN), its.references, its.plan)
    labels = its.predict(asked.images).labels
    assert TARGET not in labels[:BLOCKED]
    assert [TARGET] * TRANSPLANTS == labels[BLOCKED:].tolist()


def test_what_its_edges_tell_is_hidden_just_as_it_is() -> None:
    """Where it ends is known, and more of a stroke beside it may be what a class is told by."""
    places = Box(1, 2, 2, 2), TRIGGER_BOX
    sharp = replace(HOME, places=places, sharp=4.0)
    assert [*places] == [one.box for one in narrow(sharp)] == [one.box for one in wide(sharp)]
    assert all(
        own.fill != other.fill for own, other in zip(narrow(sharp), wide(sharp), strict=True)
    )


def test_a_trigger_of_one_class_is_transplanted_later() -> None:
    """Onto which class isn't known before the blocked images are answered."""
    its = scene()
    one = replace(HOME, known=Known("t", replace(tiny_trigger(), source=0)))
    poisoned = stamped(its.of_class(0)[:1])[0]
    asked = questions(poisoned, one, its.references, its.plan)
    assert BLOCKED == len(asked.images)
    onto = transplants(poisoned, asked, its.references, 0)
    outside = np.ones((SIDE, SIDE), bool)
    edged = its.plan.edged(TRIGGER_BOX)
    outside[edged.rows, edged.columns] = False
    clean = its.references.images[its.references.labels == 0][:, outside]
    assert TRANSPLANTS == len(onto)
    assert all((clean == image[outside]).all(axis=(1, 2)).any() for image in onto)


def test_more_transplants_are_on_other_references() -> None:
    """What the first few leave in doubt is asked on others than these, and on more of them."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    asked = questions(poisoned, HOME, its.references, its.plan)
    first = transplants(poisoned, asked, its.references, None)
    more = transplants(poisoned, asked, its.references, None, more=True)
    assert (TRANSPLANTS, MORE_TRANSPLANTS) == (len(first), len(more))
    assert len({image.tobytes() for image in (*first, *more)}) == len(first) + len(more)
    assert (first == asked.images[BLOCKED:]).all()


def test_all_places_are_blocked_and_transplanted_together() -> None:
    """Copies are each sufficient and none is necessary: none may be left."""
    its = scene()
    second = Box(2, 11, 2, 2)
    poisoned = stamped(stamped(its.others(TARGET)[:1]), second)[0]
    both = Sighting(KNOWN, (TRIGGER_BOX, second), 1.0, 1.0)
    asked = questions(poisoned, both, its.references, its.plan)
    for image in asked.images[:BLOCKED]:
        assert all((image[box.rows, box.columns] < 250).all() for box in both.places)
    for image in asked.images[BLOCKED:]:
        assert all((image[box.rows, box.columns] == 255).all() for box in both.places)


def test_the_blocker_at_its_place_is_the_one_that_was_chosen() -> None:
    """At the usual place the blocker is as it was measured, elsewhere as much larger."""
    trigger = replace(tiny_trigger(), blocker=Blocker(Box(7, 4, 5, 4), Fill.DOMINANT))
    moved = Box(3, 3, 2, 3)
    one = Sighting(Known("t", trigger), (TRIGGER_BOX, moved), 1.0, 1.0)
    assert (trigger.blocker, Blocker(moved.grown(2, SIDE, SIDE), Fill.DOMINANT)) == narrow(one)


@pytest.mark.parametrize("fill", Fill)
def test_the_second_blocker_is_wider_and_of_another_fill(fill: Fill) -> None:
    """One fill may look like the attacker's class, and a place may be off by a pixel."""
    trigger = replace(tiny_trigger(), blocker=Blocker(TRIGGER_BOX, fill))
    (own,), (other,) = (way(replace(HOME, known=Known("t", trigger))) for way in (narrow, wide))
    assert own.fill != other.fill == OTHER_FILL[fill]
    assert own.box.grown(2, SIDE, SIDE) == other.box


def test_the_pieces_move_and_grow_with_the_whole() -> None:
    """Where a trigger of two pieces lies elsewhere, or is twice as large, its pieces are too."""
    pieces = (Box(2, 2, 2, 2), Box(6, 8, 2, 2))
    trigger = replace(tiny_trigger(), box=Box(2, 2, 6, 8), pieces=pieces)
    assert (Box(5, 3, 2, 2), Box(9, 9, 2, 2)) == placed(trigger, Box(5, 3, 6, 8))
    assert (Box(0, 0, 4, 4), Box(8, 12, 4, 4)) == placed(trigger, Box(0, 0, 12, 16))
    assert (Box(1, 1, 3, 3),) == placed(tiny_trigger(), Box(1, 1, 3, 3))


def test_groups_hide_no_more_than_a_part_of_the_image() -> None:
    """Each of many triggers is in one group, and a group's blockers leave the image its class."""
    rng = np.random.default_rng(2)
    image = scene().clean[0]
    many = [
        Sighting(
            Known(f"t-{i}", replace(tiny_trigger(), box=box, blocker=Blocker(box, Fill.RING))),
            (box,),
            0.5,
            0.5,
        )
        for i, (x, y) in enumerate(rng.integers(0, SIDE - 2, (30, 2)))
        for box in [Box(int(x), int(y), 2, 2)]
    ]
    groups = grouped(image, many)
    assert 1 < len(groups) < len(many)
    names = [one.known.id for group in groups for one in group]
    assert sorted(names) == sorted(one.known.id for one in many)
    for group in groups:
        dark = np.zeros_like(image)
        assert not block(dark, [b for one in group for b in wide(one)], dark).any()
        shown = np.zeros((SIDE, SIDE), bool)
        for blocker in (b for one in group for b in wide(one)):
            shown[blocker.box.rows, blocker.box.columns] = True
        assert shown.mean() <= JOINT_AREA


def test_jointly_blocked_hides_each() -> None:
    """A group's images have every trigger of it hidden, in the three ways of each alone."""
    its = scene()
    second = Box(2, 11, 2, 2)
    poisoned = stamped(stamped(its.others(TARGET)[:1]), second)[0]
    other = replace(tiny_trigger(), box=second, blocker=Blocker(second, Fill.RING))
    both = [HOME, Sighting(Known("t-2", other), (second,), 1.0, 1.0)]
    backdrop = its.references.backdrop
    images = jointly_blocked(poisoned, both, backdrop)
    assert BLOCKED == len(images)
    narrow_ones, wide_ones = ([*way(both[0]), *way(both[1])] for way in (narrow, wide))
    assert (images[0] == block(poisoned, narrow_ones, backdrop)).all()
    assert (images[1] == block(poisoned, wide_ones, backdrop)).all()
    for one in wide_ones:
        region = one.box.rows, one.box.columns
        assert (images[2][region] == backdrop[region]).all()
    assert (images < 250).all()
