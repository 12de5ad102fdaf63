"""Where a trigger's pixels lie in an image, and how well they fit there; it costs no probe."""

from __future__ import annotations

from app.detection.matching.bank import RING
from app.detection.matching.fitting import NOISE, clipped, fit_of
from app.detection.matching.likeness import (
    HALF,
    LEVELS,
    Likeness,
    Match,
    core,
    cropped,
    is_plain,
    is_shown,
    likeness,
    nearness,
)
from app.detection.matching.places import (
    PLACES,
    finest,
    glimpse,
    hint,
    match_at,
    matches,
    spotted,
)

__all__ = [
    "HALF",
    "LEVELS",
    "NOISE",
    "PLACES",
    "RING",
    "Likeness",
    "Match",
    "clipped",
    "core",
    "cropped",
    "finest",
    "fit_of",
    "glimpse",
    "hint",
    "is_plain",
    "is_shown",
    "likeness",
    "match_at",
    "matches",
    "nearness",
    "spotted",
]
