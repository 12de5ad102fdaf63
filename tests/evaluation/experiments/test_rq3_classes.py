"""RQ3's figures."""

from __future__ import annotations

from dataclasses import replace

from app.evaluation.experiments.case import Case
from app.evaluation.experiments.rq3_classes import classes
from tests.evaluation.recorded import CAUGHT, KNOWN, MISSED, TARGET, a_run

CASE = Case("a model", "patch", "fast")
SHOTS = [MISSED, CAUGHT, KNOWN, replace(KNOWN, truth=2)]


def test_accuracies_are_against_the_true_classes() -> None:
    """The last image's clean answer is wrong already, so that it can't be put right."""
    found = classes(CASE, [a_run(SHOTS)])
    rates = (found.clean, found.poisoned, found.fixed)
    assert [3 / 4, 0, 2 / 4] == [one.value for one in rates if one]


def test_each_class_is_counted_in_each_set() -> None:
    """Three images are of class 1; poisoned, all four are the target's; fixed, one still is."""
    found = classes(CASE, [a_run(SHOTS)])
    counts = {one.index: (one.truth, one.clean, one.poisoned, one.fixed) for one in found.counts}
    assert {1: (3, 4, 0, 3), 2: (1, 0, 0, 0), TARGET: (0, 0, 4, 1)} == counts


def test_the_first_discovery_is_numbered_from_one() -> None:
    """The second image is the first discovery in one run; the other run has none."""
    found = classes(CASE, [a_run(SHOTS), a_run([MISSED])])
    assert found.first_discovery is not None
    assert (2, 1) == (found.first_discovery.value, found.first_discovery.runs)
