"""Whether a part of an image is unlike what clean images of its class show there.

It costs no probe. What looks like a trigger that acts on one class only is often the one digit that
tells two speed limits apart: a part that clean images of the class have too (`docs/detection.md`
4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import shrunken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.reference_set.references import References
    from app.detection.search import Image

LEAST = 5  # references of a class that can tell what is usual in it
MOST = 60  # of them that are compared: more cost time and tell little more
MOST_OF_ALL = 150  # of all classes
USUAL = 95  # percentile of the references' distances from their nearest that is usual still
LEAST_USUAL = 16.0  # levels: below it a difference is noise, however alike the references are
LEAST_FOR_SURE = 7.5  # the same where only what is very new counts: JPEG 75 makes as much
SQUARE = 0.07  # of the image's side: half of the largest trigger of a band
LONGEST_SIDE = 64  # pixels of the copies that are compared


def novelty(image: Image, pieces: Sequence[Box], references: References) -> float:
    """How far *pieces* of *image* are from what any reference shows there, or a pixel beside it.

    In units of what is usual among the references: 1 is the 95th percentile of the distances from
    their own nearest. Infinite where there are too few references to tell.
    """
    some = some_of_all(references)
    if len(some) < LEAST:
        return np.inf
    step = coarseness(image)
    small = made_small(references, step, some)
    own = _cut(small, pieces, step, 0, 0)
    shown = _cut(shrunken(image[None], step), pieces, step, 0, 0)
    nearest = np.full(1 + len(some), np.inf)
    mean = np.full(own.shape[1], 1 / own.shape[1], np.float32)  # a product is twice as fast
    for x, y in product((-1, 0, 1), repeat=2):
        beside = _cut(small, pieces, step, x, y)
        for i, one in enumerate((*shown, *own)):
            distances = np.abs(beside - one) @ mean
            if i:
                distances[i - 1] = np.inf  # itself
            nearest[i] = min(nearest[i], distances.min())
    return float(nearest[0] / max(np.percentile(nearest[1:], USUAL), LEAST_USUAL / 2))


def novelties(
    image: Image,
    boxes: Sequence[Box],
    label: int,
    references: References,
    least: float = LEAST_USUAL,
) -> NDArray[np.float64]:
    """How far the most novel small square in each of *boxes* (n,) is from class *label*'s images.

    From the nearest of the references, at the same place. The square keeps a small trigger from
    drowning in what is around it. What is usual counts as *least* levels at least.
    """
    seen = _how_new(image, label, references, least)
    if seen is None:
        return np.full(len(boxes), np.inf)
    return np.array([seen.ratio[seen.squares_in(box)].max() for box in boxes])


def newest_in(
    image: Image, box: Box, label: int, references: References
) -> tuple[float, float] | None:
    """Return the middle (x, y) of the most novel small square in *box*, as `novelties` has it.

    None where too few references of the class tell what is usual.
    """
    seen = _how_new(image, label, references, LEAST_USUAL)
    if seen is None:
        return None
    rows, columns = seen.squares_in(box)
    part = seen.ratio[rows, columns]
    y, x = np.unravel_index(part.argmax(), part.shape)
    middle = seen.side / 2
    return (columns.start + x + middle) * seen.step, (rows.start + y + middle) * seen.step


def differing(image: Image, label: int, references: References) -> float:
    """Levels by which clean images of class *label* differ from their nearest; 0 if too few tell.

    The middle of what is usual at the places of images like *image*.
    """
    own = _of_class(label, references)
    if len(own) < LEAST:
        return 0.0
    step = coarseness(image)
    usual = _usual(made_small(references, step, own), _side(image, step), label, references)
    return float(np.median(usual))


@dataclass(frozen=True, eq=False)
class _HowNew:
    """Of each square of ``side`` pixels of a copy, smaller by ``step``: times what is usual."""

    ratio: NDArray[np.float32]
    side: int
    step: int

    def squares_in(self, box: Box) -> tuple[slice, slice]:
        """Return those that lie in *box*, one at least."""
        height, width = self.ratio.shape
        top = min(box.y // self.step, height - 1)
        left = min(box.x // self.step, width - 1)
        bottom = max((box.y + box.height) // self.step - self.side + 1, top + 1)
        right = max((box.x + box.width) // self.step - self.side + 1, left + 1)
        return slice(top, bottom), slice(left, right)


def _how_new(image: Image, label: int, references: References, least: float) -> _HowNew | None:
    own = _of_class(label, references)
    if len(own) < LEAST:
        return None
    step = coarseness(image)
    clean = made_small(references, step, own)
    side = _side(image, step)
    usual = np.maximum(_usual(clean, side, label, references), least)
    distance = squares(difference(clean, shrunken(image[None], step)), side)
    return _HowNew(distance.min(axis=0) / usual, side, step)


def _side(image: Image, step: int) -> int:
    return max(2, round(SQUARE * min(image.shape[:2]))) // step or 1


def coarseness(image: Image) -> int:
    """Pixels a side that become one in the copies that are compared."""
    return int(-(-max(image.shape[:2]) // LONGEST_SIDE))


def _of_class(label: int, references: References) -> NDArray[np.intp]:
    return np.flatnonzero(references.labels == label)[:MOST]


def some_of_all(references: References) -> NDArray[np.int64]:
    """Return references of all classes, as many as can be compared in a moment."""
    rng = np.random.default_rng(references.seed)
    return rng.permutation(len(references.images))[:MOST_OF_ALL]


def _cut(
    images: NDArray[np.float32], pieces: Sequence[Box], step: int, x: int, y: int
) -> NDArray[np.float32]:
    """Cut *pieces*, moved by (x, y) but not out of the image, out of shrunken *images* (n, ...)."""
    height, width = images.shape[1:3]
    parts = []
    for box in pieces:
        tall, wide = max(box.height // step, 1), max(box.width // step, 1)
        top = min(max(box.y // step + y, 0), height - tall)
        left = min(max(box.x // step + x, 0), width - wide)
        part = images[:, top : top + tall, left : left + wide]
        parts.append(part.reshape(len(images), -1))
    return np.concatenate(parts, axis=1)


def _usual(
    small: NDArray[np.float32], side: int, label: int, references: References
) -> NDArray[np.float32]:
    """How far each square of the references is from its nearest in another; kept once known."""
    kept = references.usual_distances
    if label not in kept:
        nearest = []
        for i, one in enumerate(small):
            rest = np.delete(small, i, axis=0)
            nearest.append(squares(difference(rest, one[None]), side).min(axis=0))
        kept[label] = np.maximum(np.percentile(nearest, USUAL, axis=0), LEAST_FOR_SURE)
    return kept[label]


def made_small(references: References, step: int, of: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the references *of* these indices, shrunken; all are, once, and kept as bytes."""
    if step == 1:
        return references.images[of].astype(np.float32)
    kept = references.shrunken
    if step not in kept:
        parts = [shrunken(one[None], step) for one in references.images]  # little at a time
        kept[step] = np.rint(np.concatenate(parts)).astype(np.uint8)
    return kept[step][of].astype(np.float32)


def difference(images: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average |images - other| over the channels: (n, h, w)."""
    channels = images.shape[3]
    apart = np.abs(images - other)
    # A product, since the mean over an axis of three takes ten times as long; of a plain matrix,
    # since row by row it takes twice as long.
    means = apart.reshape(-1, channels) @ np.full(channels, 1 / channels, np.float32)
    difference: NDArray[np.float32] = means.reshape(apart.shape[:3])
    return difference


def squares(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Average *values* (n, h, w) over every square of *side* pixels: (n, h', w')."""
    tall, wide = values.shape[1] - side + 1, values.shape[2] - side + 1
    rows = _summed([values[:, i : i + tall] for i in range(side)])
    return _summed([rows[:, :, i : i + wide] for i in range(side)]) / np.float32(side**2)


def _summed(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    summed = parts[0].copy()
    for part in parts[1:]:
        summed += part
    return summed
