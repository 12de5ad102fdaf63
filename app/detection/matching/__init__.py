"""Where a trigger's pixels lie in an image, and how well they fit there; it costs no probe."""

from __future__ import annotations

from app.detection.matching.bank import RING
from app.detection.matching.fitting import LEAST_ALPHA, MOST_ALPHA, NOISE
from app.detection.matching.likeness import HALF, LEVELS, Likeness, Match, likeness, nearness
from app.detection.matching.places import (
    finest,
    glimpse,
    hint,
    hints,
    match_at,
    matches,
    spotted,
)

__all__ = [
    "HALF",
    "LEAST_ALPHA",
    "LEVELS",
    "MOST_ALPHA",
    "NOISE",
    "RING",
    "Likeness",
    "Match",
    "finest",
    "glimpse",
    "hint",
    "hints",
    "likeness",
    "match_at",
    "matches",
    "nearness",
    "spotted",
]
