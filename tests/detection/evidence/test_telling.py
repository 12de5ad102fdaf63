"""What the evidence says of a placebo rate is true, also where it is assumed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.detection.evidence.telling import at_the_rate, at_worst
from app.detection.reference_set.references import Calibration
from tests.detection.scenes import scene
from tests.tiny import TARGET


def test_a_rate_of_the_class_itself() -> None:
    """With enough references of the class it was measured on them."""
    assert "at the rate 0.10" == at_the_rate(0.1, TARGET, scene().references)


def test_an_assumed_rate_says_why() -> None:
    """With too few it says how many there are, and whose rate it is instead."""
    its = scene().references
    few = replace(its, calibration=Calibration(np.zeros(120, np.int64), its.calibration.robust))
    told = at_the_rate(0.1, TARGET, few)
    assert "(assumed, for 0 references are of it: so other classes' carry their own)" in told


def test_a_rate_that_nobody_asked_about() -> None:
    """It isn't said that clean images do."""
    assert "they weren't asked" in at_worst(0.4)
