"""What an image's pixels say of known triggers, with no probe (`docs/detection.md` 3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.matching import LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.trigger import Trigger

HALF = 0.5  # of the pixels that must be there
ASKED = 100  # references that tell what is common
COMMON = 0.2  # share of them from which on it is


def fits(image: Image, trigger: Trigger) -> bool:
    """Say if *trigger* has a place in images of this size; of another size it tells nothing here.

    What is mixed into whole images has none (`blended`).
    """
    return fits_in(image.shape, trigger)


def fits_in(size: tuple[int, ...], trigger: Trigger) -> bool:
    """Say the same of images of this *size* (height, width, channels)."""
    if trigger.alpha is not None:
        return False
    return size == (trigger.image_height, trigger.image_width, trigger.patch.shape[2])


def is_common(known: Known, references: References) -> bool:
    """Say if many clean images show about its pixels at its place: then they tell nothing."""
    shown = references.images[:ASKED, known.trigger.box.rows, known.trigger.box.columns]
    near = (np.abs(shown.astype(np.int16) - known.trigger.patch) <= LEVELS).all(axis=3)
    own = known.likeness.weights > 0
    return bool((near[:, own].mean(axis=1) >= HALF).mean() > COMMON)


def at_their_places(image: Image, known: tuple[Known, ...]) -> list[bool]:
    """Say of each of *known*, all of which fit *image*, if its pixels are where they were stored.

    Half of them, each about as stored: a single comparison for all, so that the questions about
    what is there can travel together with the image.
    """
    if not known:
        return []
    pixels = _pixels(known)
    distance = np.abs(image.reshape(-1)[pixels.places] - pixels.levels)
    near = (distance <= LEVELS).all(axis=0)
    counted = np.add.reduceat(near, pixels.begins, dtype=np.int64) if near.size else pixels.begins
    shares = dict(zip(pixels.owners, (counted / pixels.counts).tolist(), strict=True))
    return [shares.get(i, 0.0) >= HALF for i in range(len(known))]


@dataclass(frozen=True, eq=False)
class _Pixels:
    """The pixels of several triggers, one after the other.

    ``places`` (channels, p) are their indices in an image's numbers, ``levels`` (channels, p) what
    is there in the trigger. Of the k triggers that have pixels of their own ``owners`` are the
    indices, ``begins`` (k,) and ``counts`` (k,) tell which pixels.
    """

    places: NDArray[np.int64]
    levels: NDArray[np.int16]
    owners: list[int]
    begins: NDArray[np.int64]
    counts: NDArray[np.int64]


@lru_cache(maxsize=8)
def _pixels(known: tuple[Known, ...]) -> _Pixels:
    """Put the pixels of *known* beside each other: once, since a library seldom changes."""
    places, levels = [], []
    for trigger in (one.trigger for one in known):
        own = trigger.own
        rows, columns = np.nonzero(own)
        places.append((trigger.box.y + rows) * trigger.image_width + trigger.box.x + columns)
        levels.append(trigger.patch[own].astype(np.int16))
    channels = known[0].trigger.patch.shape[2]
    counts = np.array([len(some) for some in places])
    owners = np.flatnonzero(counts)
    return _Pixels(
        np.concatenate(places) * channels + np.arange(channels)[:, None],
        np.ascontiguousarray(np.concatenate(levels).T),
        owners.tolist(),
        (np.cumsum(counts) - counts)[owners],
        counts[owners],
    )
