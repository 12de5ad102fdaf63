"""A picture mixed into images, or a place in them, and taken out of them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger


def mixed(images: Images, picture: Image, alpha: float) -> Images:
    """Return *images* (n, h, w, c) with *picture* (h, w, c) in them, by the share *alpha*."""
    return _levels(np.float32(1 - alpha) * images + np.float32(alpha) * picture)


def unmixed(images: Images, picture: Image, alpha: float) -> Images:
    """Return what *images* (n, h, w, c) were before *picture* was mixed in by *alpha*, below 1.

    Where a level was rounded or cut off, about that.
    """
    return _levels((images - np.float32(alpha) * picture) / np.float32(1 - alpha))


def stamped_in(images: Images, trigger: Trigger) -> Images:
    """Return *images* (n, h, w, c) with what *trigger*, a blended one, mixes into its box."""
    return _at(trigger.box, images, mixed(_part(images, trigger), *_mixture(trigger)))


def taken_out(images: Images, trigger: Trigger) -> Images:
    """Return what *images* (n, h, w, c) were before *trigger*, a blended one, was mixed in."""
    return _at(trigger.box, images, unmixed(_part(images, trigger), *_mixture(trigger)))


def _mixture(trigger: Trigger) -> tuple[Image, float]:
    return trigger.patch, trigger.alpha or 0.0


def _part(images: Images, trigger: Trigger) -> Images:
    return images[:, trigger.box.rows, trigger.box.columns]


def _at(box: Box, images: Images, part: Images) -> Images:
    changed = images.copy()
    changed[:, box.rows, box.columns] = part
    return changed


def _levels(values: NDArray[np.floating]) -> Images:
    levels: Images = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
