"""What an image's pixels say of known triggers, with no probe (`docs/detection.md` 3.9)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image
    from app.detection.trigger import Trigger

LEVELS = 24  # that a pixel may differ from the stored one: JPEG and resizing move it that far
HALF = 0.5  # of the pixels that must be there
NEARLY_ALL = 0.9  # of them, where pixels alone are to tell
NATURAL = 0.3  # placebo rate from which on the stored pixels are asked for


@dataclass(frozen=True, eq=False)
class Known:
    """A trigger of the library, by its name there."""

    id: str
    trigger: Trigger


def fits(image: Image, trigger: Trigger) -> bool:
    """Say if *trigger* is one of images of this size; of another size it tells nothing here."""
    size: tuple[int, ...] = image.shape
    return size == (trigger.image_height, trigger.image_width, trigger.patch.shape[2])


class Presence(enum.Enum):
    """What an image's pixels say, with no probe, of a known trigger."""

    THERE = enum.auto()
    ABSENT = enum.auto()
    UNCLEAR = enum.auto()


def presence(image: Image, trigger: Trigger) -> Presence:
    """Compare the stored pixels with those of *image*.

    They decide once the mask is known, where clean images of the target class carry it by nature (a
    box in the middle of the object), and where it acts on some classes only. Where no pixel is the
    trigger's alone (a translucent sticker) they never do.
    """
    near = _near(image, trigger)
    return _presence(float(near.mean()) if near.size else 0.0, trigger)


def presences(image: Image, known: tuple[Known, ...]) -> list[Presence]:
    """Return the `presence` of each of *known*, all of which fit *image*, in one comparison."""
    if not known:
        return []
    pixels = _pixels(known)
    distance = np.abs(image.reshape(-1)[pixels.places] - pixels.levels)
    near = (distance <= LEVELS).all(axis=0)
    counted = np.add.reduceat(near, pixels.begins, dtype=np.int64) if near.size else pixels.begins
    shares = dict(zip(pixels.owners, (counted / pixels.counts).tolist(), strict=True))
    return [_presence(shares.get(i, 0.0), one.trigger) for i, one in enumerate(known)]


def _presence(near: float, trigger: Trigger) -> Presence:
    """Conclude from the share of the trigger's pixels that are near those of an image."""
    if near >= HALF:
        return Presence.THERE
    translucent = trigger.mask is not None and not trigger.mask.any()
    decided = trigger.mask is not None and not translucent
    told = trigger.source is not None and not translucent
    natural = trigger.natural >= NATURAL or told
    return Presence.ABSENT if decided or natural else Presence.UNCLEAR


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


@lru_cache(maxsize=4)
def _pixels(known: tuple[Known, ...]) -> _Pixels:
    """Put the pixels of *known* beside each other: once, since a library seldom changes."""
    places, levels = [], []
    for trigger in (one.trigger for one in known):
        own = np.ones(trigger.patch.shape[:2], bool) if trigger.mask is None else trigger.mask
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


def unmistakable(image: Image, trigger: Trigger) -> bool:
    """Say if nearly all of the trigger's pixels are there, at a place where nature has none."""
    near = _near(image, trigger)
    return trigger.natural < NATURAL and bool(near.size) and bool(near.mean() >= NEARLY_ALL)


def _near(image: Image, trigger: Trigger) -> NDArray[np.bool_]:
    """Say of each of the trigger's pixels, or of its box while they are unknown, if it is there."""
    there = image[trigger.box.rows, trigger.box.columns].astype(np.int16)
    near: NDArray[np.bool_] = np.abs(there - trigger.patch).max(axis=2) <= LEVELS
    return near.reshape(-1) if trigger.mask is None else near[trigger.mask]
