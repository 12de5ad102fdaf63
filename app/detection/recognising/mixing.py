"""A picture mixed into whole images, and taken out of them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image, Images


def mixed(images: Images, picture: Image, alpha: float) -> Images:
    """Return *images* (n, h, w, c) with *picture* (h, w, c) in them, by the share *alpha*."""
    return _levels(np.float32(1 - alpha) * images + np.float32(alpha) * picture)


def unmixed(images: Images, picture: Image, alpha: float) -> Images:
    """Return what *images* (n, h, w, c) were before *picture* was mixed in by *alpha*, below 1.

    Where a level was rounded or cut off, about that.
    """
    return _levels((images - np.float32(alpha) * picture) / np.float32(1 - alpha))


def _levels(values: NDArray[np.floating]) -> Images:
    levels: Images = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
