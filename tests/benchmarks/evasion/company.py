"""The trigger with something around it or beside it: frames, halos, decoys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.attacks.marks import stamped
from tests.benchmarks.evasion.attempt import box_of
from tests.benchmarks.evasion.shades import with_quarter_altered

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.search import Image
    from app.evaluation.records import Stamp
    from tests.benchmarks.evasion.attempt import Attempt

    Paint = Callable[[Attempt, int], Stamp]
    """The attempt and a width in pixels: a stamp that lies under the trigger and reaches beyond."""


def framed(attempt: Attempt, width: int, paint: Paint, *, altered: int = 0) -> Image:
    """Put a frame around it; of the trigger itself alter a quarter of the pixels by levels."""
    stamp = attempt.stamp
    if altered:
        stamp = with_quarter_altered(stamp, altered, attempt.rng)
    return attempt.with_stamps(paint(attempt, width), stamp)


def mean_frame(attempt: Attempt, width: int) -> Stamp:
    """Return a frame around the trigger's box, in the mean of its colours."""
    return _frame(attempt, width, _mean(attempt.stamp))


def other_frame(attempt: Attempt, width: int) -> Stamp:
    """Return one in any colour."""
    return _frame(attempt, width, attempt.rng.integers(0, 255, 3, endpoint=True))


def opposite_frame(attempt: Attempt, width: int) -> Stamp:
    """Return one in what is farthest from the trigger's colours."""
    return _frame(attempt, width, np.where(_mean(attempt.stamp) < 128, 255, 0))


def continued_frame(attempt: Attempt, width: int) -> Stamp:
    """Return one that continues the pixels at the trigger's edges outwards."""
    stamp = attempt.stamp
    return _cut(attempt, replace(stamp, rgba=_opaque(_continued(stamp, width))), width)


def mean_halo(attempt: Attempt, width: int) -> Stamp:
    """Return what follows the trigger's outline, and fills its holes, in its mean colour."""
    rgba = np.pad(attempt.stamp.rgba, ((width, width), (width, width), (0, 0)))
    near = _grown(rgba[..., 3] > 0, width)
    rgba[..., :3] = _mean(attempt.stamp)
    rgba[..., 3] = np.where(near, 255, 0)
    return _cut(attempt, replace(attempt.stamp, rgba=rgba), width)


def with_decoys(attempt: Attempt) -> Image | None:
    """Put other triggers on as well, where they don't lie over it."""
    boxes = [attempt.box]
    decoys: list[Stamp] = []
    for other in attempt.others:
        if all(box_of(other).overlap(box) == 0 for box in boxes):
            decoys.append(other)
            boxes.append(box_of(other))
    return attempt.with_stamps(*decoys, attempt.stamp) if decoys else None


def with_dismissed(attempt: Attempt) -> Image | None:
    """Put what was dismissed beside it."""
    if attempt.dismissed is None:
        return None
    return stamped(attempt.image, (attempt.dismissed, attempt.stamp))


def plain(attempt: Attempt) -> Image:
    """Put the trigger on and do nothing else."""
    return attempt.with_stamps(attempt.stamp)


def _frame(attempt: Attempt, width: int, colour: NDArray[np.integer]) -> Stamp:
    """Return a frame of one *colour*; what shows through the trigger in its box is left alone."""
    rgba = np.pad(attempt.stamp.rgba, ((width, width), (width, width), (0, 0)))
    rgba[..., :3], rgba[..., 3] = colour, 255
    rgba[width:-width, width:-width, 3] = 0
    return _cut(attempt, replace(attempt.stamp, rgba=rgba), width)


def _cut(attempt: Attempt, stamp: Stamp, margin: int) -> Stamp:
    """Return *stamp*, larger than the trigger by *margin* a side, without what is off the image."""
    height, width = attempt.image.shape[:2]
    x, y = attempt.stamp.x - margin, attempt.stamp.y - margin
    rgba = stamp.rgba[max(-y, 0) : height - y, max(-x, 0) : width - x]
    return replace(stamp, rgba=rgba, x=max(x, 0), y=max(y, 0))


def _mean(stamp: Stamp) -> NDArray[np.uint8]:
    own = stamp.rgba[stamp.rgba[..., 3] > 0][:, :3]
    mean: NDArray[np.uint8] = np.rint(own.mean(axis=0)).astype(np.uint8)
    return mean


def _continued(stamp: Stamp, width: int) -> NDArray[np.uint8]:
    """Return the trigger's pixels, each transparent one like the nearest that isn't, continued."""
    rows, columns = np.nonzero(stamp.rgba[..., 3])
    own = stamp.rgba[rows, columns]
    height, across = stamp.rgba.shape[:2]
    y, x = np.mgrid[-width : height + width, -width : across + width]
    distances = (y[..., None] - rows) ** 2 + (x[..., None] - columns) ** 2
    nearest: NDArray[np.uint8] = own[distances.argmin(axis=2)]
    return nearest


def _opaque(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    opaque = rgba.copy()
    opaque[..., 3] = 255
    return opaque


def _grown(own: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    grown = own
    for _ in range(by):
        near = np.pad(grown, 1)
        grown = grown | near[:-2, 1:-1] | near[2:, 1:-1] | near[1:-1, :-2] | near[1:-1, 2:]
    return grown
