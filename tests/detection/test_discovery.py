"""What makes a window that carries a trigger."""

from __future__ import annotations

import pytest

from app.detection.discovery import exceeds_nature


@pytest.mark.parametrize(
    ("heal_rate", "natural", "expected"),
    [
        (1.0, 0.02, True),
        (0.7, 0.1, True),  # it hides the centre of the sign
        (0.95, 0.5, True),
        (1.0, 0.6, False),  # nature does it there
        (0.6, 0.35, False),  # measured on natural carriers
        (0.75, 0.4, False),
    ],
)
def test_a_trigger_heals_more_often_than_nature_carries(
    heal_rate: float, natural: float, *, expected: bool
) -> None:
    """Natural carriers heal little and carry much; a trigger is the other way round."""
    assert expected is exceeds_nature(heal_rate, natural)
