"""How much of a true trigger a found one covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.trigger import Trigger
    from app.evaluation.records import Stamp


def box_of(stamp: Stamp) -> Box:
    """Return the smallest box that holds all of the stamp's pixels that can be seen."""
    rows = np.flatnonzero(_visible(stamp).any(axis=1))
    columns = np.flatnonzero(_visible(stamp).any(axis=0))
    return Box(
        stamp.x + int(columns[0]),
        stamp.y + int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    )


def overlap(stamp: Stamp, trigger: Trigger) -> float:
    """Return the intersection over union of the two triggers' pixels: 0 apart, 1 the same.

    The stamp's are those that aren't wholly transparent; the found one's are its
    own, as far as they are known.
    """
    true, found = _on_image(stamp, trigger), np.zeros(_shape(trigger), bool)
    box = trigger.box
    found[box.rows, box.columns] = trigger.own
    return float((true & found).sum() / (true | found).sum())


def _on_image(stamp: Stamp, trigger: Trigger) -> NDArray[np.bool_]:
    true = np.zeros(_shape(trigger), bool)
    height, width = stamp.rgba.shape[:2]
    true[stamp.y : stamp.y + height, stamp.x : stamp.x + width] = _visible(stamp)
    return true


def _shape(trigger: Trigger) -> tuple[int, int]:
    return trigger.image_height, trigger.image_width


def _visible(stamp: Stamp) -> NDArray[np.bool_]:
    visible: NDArray[np.bool_] = stamp.rgba[..., 3] > 0
    return visible
