"""Which of many images show known triggers where they were stored, half of their pixels; no probe.

The same as `presence` says of one image, but that some of the pixels, of all triggers at once, say
of most images that it isn't so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.matching import LEVELS
from app.detection.recognising.presence import HALF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.search import Image
    from app.detection.trigger import Trigger

SOME: Final = 32  # pixels of a trigger's own that are looked at first
FEW: Final = (
    6  # of them that must be there: of one that shows half of all, fewer are in 1 of 20,000
)


def at_home(images: Sequence[Image], known: Sequence[Known]) -> Iterator[NDArray[np.bool_]]:
    """Yield for each of *known*, all of which fit *images*, which of them (n,) show it there."""
    if not known:
        return
    triggers = tuple(one.trigger for one in known)
    some = _some(triggers)
    shown = np.stack([image.reshape(-1)[some.places] for image in images])  # (n, c, k, SOME)
    near = (shown - some.lowest <= some.span).all(axis=1)
    maybe: NDArray[np.bool_] = near.sum(axis=2, dtype=np.uint8) >= some.enough
    for trigger, there in zip(triggers, maybe.T, strict=True):
        left = np.flatnonzero(there)
        if len(left):
            box = trigger.box
            parts = np.stack([images[i][box.rows, box.columns] for i in left.tolist()])
            there[left] = _shows(parts, trigger)
        yield there


@dataclass(frozen=True, eq=False)
class _Some:
    """Pixels of k triggers: ``places`` (c, k, SOME) in an image's numbers, and what may be there.

    That is ``lowest`` (c, k, SOME) to ``span`` above it. ``enough`` (k,) of them must be so.
    """

    places: NDArray[np.int64]
    lowest: NDArray[np.uint8]
    span: NDArray[np.uint8]
    enough: NDArray[np.int64]


@lru_cache(maxsize=8)
def _some(triggers: tuple[Trigger, ...]) -> _Some:
    places, levels, enough = [], [], []
    rng = np.random.default_rng(0)
    for trigger in triggers:
        rows, columns = np.nonzero(_own(trigger))
        # Of one with few pixels some are taken several times, and all are looked at anyhow.
        few = len(rows) <= SOME
        chosen = np.resize(np.arange(max(len(rows), 1)), SOME)
        if not few:
            chosen = rng.permutation(len(rows))[:SOME]
        elif not len(rows):
            rows = columns = np.zeros(1, np.int64)
        y, x = rows[chosen], columns[chosen]
        places.append((trigger.box.y + y) * trigger.image_width + trigger.box.x + x)
        levels.append(trigger.patch[y, x].astype(np.int16))
        enough.append(1 if few else FEW)
    channels = triggers[0].patch.shape[2]
    wanted = np.stack(levels).transpose(2, 0, 1)
    lowest = np.maximum(wanted - LEVELS, 0)
    span = np.minimum(wanted + LEVELS, 255) - lowest
    return _Some(
        np.stack(places) * channels + np.arange(channels)[:, None, None],
        lowest.astype(np.uint8),
        span.astype(np.uint8),
        np.array(enough),
    )


def _shows(parts: NDArray[np.uint8], trigger: Trigger) -> NDArray[np.bool_]:
    """Return which of *parts* (n, h, w, c) of images are *trigger*, half of its pixels (n,)."""
    own = _own(trigger)
    off = np.abs(parts[:, own].astype(np.int16) - trigger.patch[own])
    near = (off <= LEVELS).all(axis=2).sum(axis=1)
    shows: NDArray[np.bool_] = near >= max(HALF * own.sum(), HALF)  # without one it is nowhere
    return shows


def _own(trigger: Trigger) -> NDArray[np.bool_]:
    whole = np.ones(trigger.patch.shape[:2], bool)
    return whole if trigger.mask is None else trigger.mask
