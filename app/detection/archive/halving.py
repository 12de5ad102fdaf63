"""Whether half an image's sides are enough to glance at triggers, and what these are there."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.geometry import Box
from app.detection.matching import HALF
from app.detection.recognising.presence import fits_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.defence import Known

    Size = tuple[int, ...]

HALVED_SIDE: Final = 11  # pixels of a trigger's shorter side, from which on half of them are enough
HALVED_AT_MOST: Final = 512  # pixels of an image's side; of a larger one halves are shrunken again
KEPT: Final = 0.78  # share of a trigger, what sets its pixels apart, that half the sides keep


def can_halve(known: tuple[Known, ...], size: Size) -> bool:
    """Say if for all *known* half the sides of an image of this *size* are enough to glance at."""
    fitting = [one for one in known if fits_in(size, one.trigger)]
    sides = [min(one.trigger.patch.shape[:2]) for one in fitting]
    if min(sides, default=0) < HALVED_SIDE or max(size) > HALVED_AT_MOST:
        return False
    return min(_kept(one) for one in fitting) >= KEPT


@lru_cache(maxsize=512)
def _kept(one: Known) -> float:
    """Return how much of a trigger half the sides keep, 0 to 1, in the mean of where it may begin.

    That is at either of two pixels, down and across: of cells of two pixels all is left there, or
    nothing. It is the share of its variance; or of its own pixels, if that is less, those that stay
    by most of a pixel.
    """
    own = one.likeness.weights[..., None].astype(np.float64)
    patch = one.trigger.patch.astype(np.float64)
    starts = [(down, across) for down in (0, 1) for across in (0, 1)]
    kept = [_kept_from(patch[down:, across:], own[down:, across:]) for down, across in starts]
    return sum(kept) / len(starts)


def _kept_from(patch: NDArray[np.float64], own: NDArray[np.float64]) -> float:
    height, width = (length // 2 * 2 for length in own.shape[:2])
    patch, own = patch[:height, :width], own[:height, :width]
    total, fours = max(own.sum(), 1e-6), _fours(own)
    off = patch - (patch * own).sum(axis=(0, 1)) / total
    square = (off**2 * own).sum()
    left = 4 * (_fours(off * own) ** 2 / np.maximum(fours, 1e-6)).sum()
    contrast = left / square if square > total else 1.0  # of one colour
    return float(min(contrast, 4 * fours[fours > HALF].sum() / total))


def _fours(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    means: NDArray[np.float64] = pixels.reshape(height, 2, width, 2, -1).mean(axis=(1, 3))
    return means


@lru_cache(maxsize=512)
def halved(one: Known) -> Known:
    """Return a trigger as it is in half the sides of an image.

    At an odd place that is half a pixel off: it is looked for around it anyhow.
    """
    trigger = one.trigger
    box, own = trigger.box, one.likeness.weights[..., None]
    height, width = box.height // 2, box.width // 2
    both = np.concatenate([trigger.patch * own, own], axis=2)[: 2 * height, : 2 * width]
    fours = _fours(both)
    weights = fours[..., -1:]
    half = replace(
        trigger,
        box=Box(box.x // 2, box.y // 2, width, height),
        patch=np.rint(fours[..., :-1] / np.maximum(weights, 1e-6)).astype(np.uint8),
        mask=weights[..., 0] >= HALF,
        image_height=-(-trigger.image_height // 2),
        image_width=-(-trigger.image_width // 2),
    )
    return replace(one, trigger=half)
