"""Triggers to put in a library."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from app.detection.geometry import Box
from app.detection.trigger import Blocker, Evidence, Fill, Trigger
from app.ports import Entry

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def trigger(target: int = 3, x: int = 8, *, source: int | None = None, side: int = 4) -> Trigger:
    """Return a trigger in a 224x224 image; those of different targets are different triggers."""
    box = Box(x, 5, side, side)
    patch = np.full((side, side, 3), target % 256, np.uint8)
    evidence = Evidence(
        carried=19, transplants=20, placebo=0.02, heal_rate=0.97, probes=812, seed=7
    )
    return Trigger(
        target, source, box, patch, None, Blocker(box, Fill.RING), 0.02, 224, 224, evidence
    )


def entry(name: str, target: int = 3, hits: int = 0, *, dismissed: bool = False) -> Entry:
    """Return the entry ``t-<name>`` of a trigger."""
    return Entry(f"t-{name}", trigger(target), NOW, NOW, hits, dismissed)


def sample(value: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the pixels in a trigger's box, all of one value."""
    return np.full((4, 4, 3), value, np.uint8)
