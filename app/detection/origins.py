"""Which pixels of a probe's image are those of the image in hand: told where they are put.

Never by how they look: an attacker chooses levels. What a caller has sent as numbers that no level
says exactly is put upstream again by this alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box


@dataclass(frozen=True)
class Origin:
    """The image in hand is seen, at its own place, in the boxes ``seen`` but not in ``hidden``.

    Where ``seen`` is None, everywhere but there.
    """

    seen: tuple[Box, ...] | None
    hidden: tuple[Box, ...] = ()

    def without(self, boxes: Sequence[Box]) -> Origin:
        """Return the same with something put over *boxes*."""
        return replace(self, hidden=(*self.hidden, *boxes))

    def only(self, boxes: Sequence[Box]) -> Origin:
        """Return the same where another image is seen around *boxes*."""
        if self.seen is None:
            return replace(self, seen=tuple(boxes))
        common = [seen.common(box) for seen in self.seen for box in boxes]
        return replace(self, seen=tuple(box for box in common if box is not None))

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """Return which pixels (height, width) these are."""
        mask = np.full((height, width), self.seen is None)
        for box in self.seen or ():
            mask[box.rows, box.columns] = True
        for box in self.hidden:
            mask[box.rows, box.columns] = False
        return mask


WHOLE: Final = Origin(None)
"""The image itself."""

FOREIGN: Final = Origin(())
"""An image with nothing of it."""


def within(boxes: Sequence[Box]) -> Origin:
    """Return the origin of another image with *boxes* of the one in hand transplanted on it."""
    return Origin(tuple(boxes))


def beside(boxes: Sequence[Box]) -> Origin:
    """Return the origin of the image in hand with *boxes* blocked."""
    return Origin(None, tuple(boxes))


def masks(origins: Sequence[Origin], height: int, width: int) -> NDArray[np.bool_]:
    """Return which pixels (n, height, width) of n images are those of the image in hand."""
    return np.stack([origin.mask(height, width) for origin in origins])
