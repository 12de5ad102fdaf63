"""Which of many images show known triggers where they were stored, half of their pixels; no probe.

The same as `presence` says of one image. Of most images it takes a third of the numbers to say no:
what isn't there in one channel isn't there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.matching import LEVELS
from app.detection.recognising.presence import HALF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.search import Image
    from app.detection.trigger import Trigger


def at_home(images: Sequence[Image], known: Sequence[Known]) -> Iterator[NDArray[np.bool_]]:
    """Yield for each of *known*, all of which fit *images*, which of them (n,) show it there."""
    for trigger in (one.trigger for one in known):
        ranges = _ranges(trigger)
        shown = np.stack([image[trigger.box.rows, trigger.box.columns] for image in images])
        first, *others = range(shown.shape[-1])
        near = ranges.near(shown, first)
        there = near.sum(axis=1) >= ranges.enough
        if there.any():
            near, left = near[there], shown[there]
            for channel in others:
                near = near & ranges.near(left, channel)
            there[there] = near.sum(axis=1) >= ranges.enough
        yield there


class _Ranges:
    """What each pixel of *trigger*'s own may be; ``enough`` of them must be so."""

    def __init__(self, trigger: Trigger) -> None:
        mask = trigger.mask
        own = np.ones(trigger.patch.shape[:2], bool) if mask is None else mask
        levels = trigger.patch[own].astype(np.int16)
        lowest = np.maximum(levels - LEVELS, 0)
        span = np.minimum(levels + LEVELS, 255) - lowest
        self._own = np.flatnonzero(own)
        self._lowest, self._span = lowest.T.astype(np.uint8), span.T.astype(np.uint8)
        self.enough = max(HALF * len(self._own), HALF)  # without a pixel it is nowhere

    def near(self, shown: NDArray[np.uint8], channel: int) -> NDArray[np.bool_]:
        """Return which pixels (n, own) of what is *shown* (n, h, w, c) are so in this channel."""
        pixels = shown[..., channel].reshape(len(shown), -1)
        if len(self._own) < pixels.shape[1]:
            pixels = pixels[:, self._own]
        near: NDArray[np.bool_] = pixels - self._lowest[channel] <= self._span[channel]
        return near


@lru_cache(maxsize=4096)
def _ranges(trigger: Trigger) -> _Ranges:
    return _Ranges(trigger)
