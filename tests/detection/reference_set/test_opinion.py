"""What is measured for a second opinion, and what of it may be damaged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.detection.reference_set.opinion import Opinion
from app.detection.reference_set.references import Calibration

OPINION = Opinion(
    np.array([4, 2]),
    np.array([[0, 0.1], [1, 0.2]], np.float32),
    np.array([3, 1, 1], np.float32),
)


def test_it_fits_its_references() -> None:
    """One that tells of references that are there, and so does a calibration that has it."""
    labels = np.zeros(5, np.int64)
    calibration = Calibration(labels, np.zeros((0, 0), np.int64), None, OPINION)
    assert OPINION.fits(5)
    assert calibration.fits(5, 0)
    assert not replace(calibration, labels=labels[:4]).fits(4, 0)


@pytest.mark.parametrize(
    "damage",
    [
        {"onto": np.array([5])},
        {"onto": np.zeros(0, np.int64)},
        {"rates": np.zeros((2, 2), np.float32)},
        {"rates": np.zeros((2, 3), np.float32)},
        {"sums": np.zeros(0, np.float32)},
        {"sums": np.array([1, 2], np.float32)},
    ],
)
def test_what_is_damaged_does_not_fit(damage: dict[str, Any]) -> None:
    """No other numbers are used."""
    assert not replace(OPINION, **damage).fits(5)
