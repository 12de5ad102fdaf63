"""What a test takes to be usual of clean images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.detection.evidence.usual import usual_fit

if TYPE_CHECKING:
    from app.detection.evidence.usual import UsualFit


def fits_about(mean: float, spread: float) -> UsualFit:
    """Return what is usual of fits that lie as far on either side of a *mean* as their *spread*."""
    return usual_fit([mean - spread, mean + spread])
