"""What is looked for, and what was found: a trigger's own pixels, and a place that they explain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.images import resized
from app.detection.regions import bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Image
    from app.detection.trigger import Trigger

LEVELS = 24  # that a pixel may differ from the stored one: JPEG and resizing move it that far
HALF = 0.5  # weight from which on a pixel that was resized is the trigger's
EXPLAINED = 0.75  # of what sets pixels apart from their mean, by which they are a stored pattern
PLAIN = 12.0  # levels, below which the deviation of a patch's pixels is that of one colour
ABOUT = 32.0  # levels a pixel, root mean square: so near are stored ones, of one colour or not
CORE = 0.5  # of its own pixels, that a trigger's inside must have
CORE_SIDE = 15  # pixels of its shorter side: a smaller one's edge is half of it, shrunken


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

    @cached_property
    def side(self) -> int:
        """The shorter side of what has weight: that must still be seen in a shrunken copy."""
        own = bounds(self.weights > 0)
        return min(own.height, own.width)


@lru_cache(maxsize=512)
def likeness(trigger: Trigger) -> Likeness:
    """Return what *trigger* looks like: its own pixels, as far as they are known.

    The same for the same trigger, since what is usual of it is kept by that.
    """
    own = trigger.own if trigger.own.any() else np.ones_like(trigger.own)
    return Likeness(trigger.patch.astype(np.float32), own.astype(np.float32))


@lru_cache(maxsize=512)
def core(trigger: Trigger) -> Likeness:
    """Return what *trigger* looks like, in a box as large, without the pixels at its own edge.

    There it is mixed with what it lay on when it was seen, and with what it lies on now. A small
    one, or one of thin lines, is hardly more than that: it stays as it is.
    """
    whole = likeness(trigger)
    padded = np.pad(whole.weights > 0, 1)
    near = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    inside = np.asarray(near.all(axis=(2, 3)))
    is_small = min(trigger.box.width, trigger.box.height) < CORE_SIDE
    if is_small or inside.sum() < CORE * whole.weights.sum():
        return whole
    return Likeness(whole.pixels, inside.astype(np.float32))


def cropped(what: Likeness) -> Likeness:
    """Return *what* without the rows and columns around it that have no weight."""
    own = bounds(what.weights > 0)
    return Likeness(what.pixels[own.rows, own.columns], what.weights[own.rows, own.columns])


def is_shown(seen: NDArray[Any], stored: NDArray[Any]) -> bool:
    """Say if the pixels *seen* (n, c) are, all in all, the *stored* ones: near, or their pattern.

    Pixels of few levels are half the same by chance: what is counted one by one tells too little.
    """
    one, other = seen.astype(np.float64), stored.astype(np.float64)
    if not one.size:
        return False
    if np.square(one - other).mean() <= ABOUT**2:
        return True
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    together = float((one * other).sum())
    spread = float(np.square(one).sum() * np.square(other).sum())
    return together > 0 and together**2 >= EXPLAINED * spread


def is_plain(pixels: NDArray[Any]) -> bool:
    """Tell if *pixels* (n, c) are of one colour: they are found in many others."""
    return bool(pixels.astype(np.float64).std(axis=0).max() < PLAIN)


def nearness(image: Image, what: Likeness, box: Box) -> float:
    """Return which share of its pixels *image* shows in *box* just as they are, within LEVELS."""
    pixels = resized(what.pixels, box.height, box.width)
    own = resized(what.weights[..., None], box.height, box.width)[..., 0] >= HALF
    off = np.abs(image[box.rows, box.columns] - pixels).max(axis=2)[own]
    return float((off <= LEVELS).mean()) if off.size else 0.0
