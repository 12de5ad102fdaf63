"""What an attacker works with: a clean image, the trigger, the undefended model, and chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.evaluation.attacks.marks import stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Image, Images
    from app.evaluation.records import Stamp


@dataclass(frozen=True, eq=False)
class Attempt:
    """A clean ``image`` (h, w, c) that is to be called ``wanted``, with the trigger ``stamp``.

    ``says`` returns the undefended model's labels (n,) of images. ``others`` are other triggers,
    known or not; ``dismissed`` is a patch that the gateway's owner has said is no trigger.
    """

    image: Image
    stamp: Stamp
    wanted: int
    rng: np.random.Generator
    says: Callable[[Images], NDArray[np.int64]]
    others: Sequence[Stamp] = ()
    dismissed: Stamp | None = None

    @property
    def box(self) -> Box:
        """Where the trigger lies."""
        return box_of(self.stamp)

    def with_stamps(self, *stamps: Stamp) -> Image:
        """Return the image with *stamps* on it, the first one undermost."""
        return stamped(self.image, stamps)

    def within(self, stamp: Stamp, x: int, y: int) -> Stamp:
        """Return *stamp* with its corner at *x*, *y*, or as near as the image's edges allow."""
        height, width = self.image.shape[:2]
        return replace(
            stamp,
            x=int(np.clip(x, 0, width - stamp.rgba.shape[1])),
            y=int(np.clip(y, 0, height - stamp.rgba.shape[0])),
        )


def box_of(stamp: Stamp) -> Box:
    """Return the box that *stamp* fills."""
    return Box(stamp.x, stamp.y, stamp.rgba.shape[1], stamp.rgba.shape[0])
