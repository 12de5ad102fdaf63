"""What is looked for, and what was found: a trigger's own pixels, and a place that they explain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Image
    from app.detection.trigger import Trigger

LEVELS = 24  # that a pixel may differ from the stored one: JPEG and resizing move it that far
HALF = 0.5  # weight from which on a pixel that was resized is the trigger's


@dataclass(frozen=True)
class Match:
    """A place whose pixels the trigger explains: to the share ``fit``, with this ``alpha``."""

    box: Box
    fit: float
    alpha: float


@dataclass(frozen=True, eq=False)
class Likeness:
    """What is looked for: ``pixels`` (h, w, c) float32, and the ``weights`` (h, w) of each."""

    pixels: NDArray[np.float32]
    weights: NDArray[np.float32]


@lru_cache(maxsize=512)
def likeness(trigger: Trigger) -> Likeness:
    """Return what *trigger* looks like: its own pixels, or all of its box without a mask.

    The same for the same trigger, since what is usual of it is kept by that.
    """
    weights = np.ones(trigger.patch.shape[:2], np.float32)
    if trigger.mask is not None and trigger.mask.any():
        weights = trigger.mask.astype(np.float32)
    return Likeness(trigger.patch.astype(np.float32), weights)


def nearness(image: Image, what: Likeness, box: Box) -> float:
    """Return which share of its pixels *image* shows in *box* just as they are, within LEVELS."""
    pixels = resized(what.pixels, box.height, box.width)
    own = resized(what.weights[..., None], box.height, box.width)[..., 0] >= HALF
    off = np.abs(image[box.rows, box.columns] - pixels).max(axis=2)[own]
    return float((off <= LEVELS).mean()) if off.size else 0.0
