"""What clean images of other classes carry of their own, where a class has too few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.geometry import Box
from app.detection.reference_set.other_classes import SIZES, UNSEEN, rate_of_other_classes
from app.detection.search import run
from tests.detection.scenes import scene, watched
from tests.tiny import TRIGGER_BOX

if TYPE_CHECKING:
    from tests.detection.scenes import Scene

ALL = Box(0, 0, 16, 16)


def _rate(its: Scene, box: Box, chosen: list[int], onto: list[int]) -> float:
    labels = its.references.labels
    some = np.concatenate([np.flatnonzero(labels == i)[: 20 if i else 2] for i in chosen])
    images, labels = its.references.images[some], labels[some]
    others = np.flatnonzero(np.isin(labels, onto))
    rng = np.random.default_rng(1)
    return run(rate_of_other_classes([box], images, labels, others, rng), its.predict)


def test_where_all_carry_and_where_none_does() -> None:
    """All of an image always carries its class; a corner never, and no more is asked then."""
    its = scene()
    assert _rate(its, ALL, [0, 1, 2, 3], [0, 1, 2, 3]) > 0.95
    labels, onto = its.references.labels, np.arange(len(its.references.labels))
    for box, sizes in ((ALL, SIZES[:1]), (TRIGGER_BOX, SIZES)):
        rng = np.random.default_rng(1)
        asking = rate_of_other_classes([box], its.references.images, labels, onto, rng)
        _, probes = watched(asking, its.predict)
        assert list(sizes) == [len(one) for one in probes]


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_of_few_classes_another_one_may_carry(classes: int) -> None:
    """That none of them does says less of the next one, the fewer they are."""
    chosen = list(range(classes))
    rates = [_rate(scene(), TRIGGER_BOX, chosen[:many], chosen[:many]) for many in (classes, 2)]
    assert rates[0] <= rates[1]
    assert rates[0] == UNSEEN / (UNSEEN + classes)


def test_nothing_to_paste_on_is_the_worst() -> None:
    """Where no reference is of the class that is asked about nothing can be measured."""
    assert 1.0 == _rate(scene(), TRIGGER_BOX, [0, 1], [3])
    assert 1.0 == _rate(scene(), TRIGGER_BOX, [1], [1])
