"""What clean images usually show of a trigger."""

from __future__ import annotations

from app.detection.evidence.usual import EXACT, LEAST_SPREAD, clearness, fit_of_clearness, usual


def test_usual_fits() -> None:
    """A mean and a spread are usual; the spread of a few that agree is no less than the least."""
    assert (0.25, 0.25) == (usual([0.0, 0.5]).mean, usual([0.0, 0.5]).spread)
    assert LEAST_SPREAD == usual([0.2, 0.2]).spread
    assert 0 < usual([]).mean < 1


def test_a_fit_is_clearer_the_less_it_leaves_unexplained() -> None:
    """Up to a fit that noise and rounding leave of an exact one: beyond it nothing is clearer."""
    assert 0 == clearness(0.0) < clearness(0.9) < clearness(0.99) < clearness(EXACT)
    assert clearness(EXACT) == clearness(1.0) < 7
    assert abs(fit_of_clearness(clearness(0.8)) - 0.8) < 1e-9
