"""From the settings to the parts of the gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings
from app.upstream.limits import Limits
from app.wiring import limits


@pytest.mark.parametrize(("patience", "expected"), [(0.3, Limits.timeout_s), (300.0, 300.0)])
def test_patience_does_not_cut_the_calibration_short(patience: float, expected: float) -> None:
    """An impatient owner's upstream still has the usual time for a batch of references."""
    settings = Settings(
        upstream_url="http://127.0.0.1:1", model="tiny", reference=Path(), patience=patience
    )
    assert expected == limits(settings).timeout_s
