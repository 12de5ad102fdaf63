"""What clean images usually show of a trigger."""

from __future__ import annotations

from app.detection.evidence.usual import LEAST_SPREAD, usual


def test_usual_fits() -> None:
    """A mean and a spread are usual; the spread of a few that agree is no less than the least."""
    assert (0.25, 0.25) == (usual([0.0, 0.5]).mean, usual([0.0, 0.5]).spread)
    assert LEAST_SPREAD == usual([0.2, 0.2]).spread
    assert 0 < usual([]).mean < 1
