"""Triggers for the library, as they are once three images have hit each: their pixels are known."""

from __future__ import annotations

import numpy as np

from app.detection.geometry import Box
from app.detection.trigger import Blocker, Evidence, Fill, Trigger
from tests.benchmarks.speed.model import COLOURS, ColourModel


def known_triggers(side: int, count: int) -> tuple[Trigger, ...]:
    """Return *count* triggers, each at its own place, that no clean image carries."""
    cell = ColourModel(side).cell
    across = side // cell
    return tuple(_trigger(side, cell, divmod(place, across), place) for place in range(count))


def _trigger(side: int, cell: int, place: tuple[int, int], number: int) -> Trigger:
    row, column = place
    box = Box(column * cell, row * cell, cell, cell)
    return Trigger(
        target=number % len(COLOURS),
        source=None,
        box=box,
        patch=np.full((cell, cell, 3), 255, np.uint8),
        mask=np.ones((cell, cell), bool),
        blocker=Blocker(box, Fill.RING),
        natural=0.0,
        image_height=side,
        image_width=side,
        evidence=Evidence(24, 24, placebo=0.0, heal_rate=1.0, probes=500, seed=7),
    )
