"""How often clean images of a class can't do without a place."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.detection.evidence.needing import ASKED, AT_MOST, natural_need, of_need
from app.detection.geometry import Box
from app.detection.search import Answers, Images, run
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import own, scene, watched
from tests.tiny import TARGET

PLACE = Blocker(Box(4, 4, 3, 3), Fill.RING)
WAYS = 3


def _thrice(image: Images) -> Images:
    return np.stack([image] * WAYS)


def test_need_is_asked_once_of_references_of_the_class_alone() -> None:
    """What was measured is known then, and nothing of it is of one caller's image."""
    its = scene()
    rate, probes = watched(natural_need([PLACE], TARGET, _thrice, its.references), its.predict)
    assert [0] == [own([probe]) for probe in probes]
    some = its.references.images[its.references.labels == TARGET]
    asked = probes[0].images
    assert WAYS * min(len(some), ASKED) == len(asked)
    assert all((some == image).all(axis=(1, 2, 3)).any() for image in asked)
    again, more = watched(natural_need([PLACE], TARGET, _thrice, its.references), its.predict)
    assert (rate, []) == (again, more)


def test_each_place_fill_and_class_has_its_own_need() -> None:
    """Elsewhere, hidden by something else, and of another class, it is asked anew."""
    its = scene()
    beside = replace(PLACE, box=Box(5, 4, 3, 3))
    other = replace(PLACE, fill=Fill.INPAINT)
    for place, label in ((PLACE, TARGET), (beside, TARGET), (other, TARGET), (PLACE, 1)):
        _, probes = watched(natural_need([place], label, _thrice, its.references), its.predict)
        assert 1 == len(probes)


@pytest.mark.parametrize(("lost", "needed"), [(WAYS, True), (WAYS - 1, False), (0, False)])
def test_who_loses_the_class_in_every_way_needs_the_place(lost: int, *, needed: bool) -> None:
    """One way of hiding it may by chance look like another class."""
    its = scene()
    of_class = min(int((its.references.labels == TARGET).sum()), ASKED)

    def tell(images: Images) -> Answers:
        kept = np.arange(len(images)) % WAYS >= lost
        return Answers(np.where(kept, TARGET, TARGET + 1))

    rate = run(natural_need([PLACE], TARGET, _thrice, its.references), tell)
    assert rate == pytest.approx((needed * of_class + 0.5) / (of_class + 1))


def test_need_weighs_by_how_seldom_clean_images_have_it() -> None:
    """Where none does it says most, where most do nothing, and where none are known little."""
    assert pytest.approx(AT_MOST) == of_need(0.5 / (ASKED + 1))
    assert of_need(0.9) == pytest.approx(0.0)
    its = scene()
    none_of_class = run(natural_need([PLACE], 99, _thrice, its.references), its.predict)
    assert of_need(none_of_class) < math.log(2)
