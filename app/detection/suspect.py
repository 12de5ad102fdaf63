"""A place and its pixels that may be a trigger (`docs/detection.md` 3.12)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import shrunken
from app.detection.matching import Likeness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Image
    from app.detection.trigger import Term

LONGEST_SIDE = 128  # pixels of the copies that are compared
SKETCHED = 12  # pixels of a sketch's side, or what the image has


@dataclass(frozen=True, eq=False)
class Suspect:
    """What an image showed in ``box``, which may have made the model call it ``target``.

    Without it the image is called ``source``; None where what carries seemed to act on every class.
    ``patch`` (h, w, c) uint8 is what is in the box, in copies that are smaller by `step_of` pixels
    a side. ``sketch`` (SKETCHED, SKETCHED, c) uint8 is all of the image, by which it is known when
    it comes again. ``inner`` is where in the box it was located; None where that is all of it.
    ``terms`` are those of the sum that was not enough.
    """

    target: int
    source: int | None
    box: Box
    patch: NDArray[np.uint8]
    sketch: NDArray[np.uint8]
    inner: Box | None
    image_height: int
    image_width: int
    terms: tuple[Term, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Say if it is all of a suspicious image, which may have something mixed in (9.3)."""
        return (self.box.width, self.box.height) == (self.image_width, self.image_height)

    @property
    def is_likely(self) -> bool:
        """Say if anything speaks for it: else it is held only against what is laid over (3.13)."""
        return bool(self.terms)

    @cached_property
    def likeness(self) -> Likeness | None:
        """What it looks like where it was located."""
        if self.inner is None:
            return None
        step = _step(self.image_height, self.image_width)
        (rows, columns), inner = part_of(self.box, step), part_of(self.inner, step)
        top, left = inner[0].start - rows.start, inner[1].start - columns.start
        tall, wide = inner[0].stop - inner[0].start, inner[1].stop - inner[1].start
        pixels = self.patch[top : top + tall, left : left + wide].astype(np.float32)
        return Likeness(pixels, np.ones(pixels.shape[:2], np.float32))


@dataclass(frozen=True, eq=False)
class Kept:
    """A suspect that is kept, by its ``id``; of whose image, if that is known.

    It was ``seen`` in so many images.
    """

    id: str
    suspect: Suspect
    caller: str = ""
    seen: int = 1


def size_of_patch(box: Box, height: int, width: int) -> tuple[int, int]:
    """Return the height and width of what is kept of *box*, of an image of this size."""
    rows, columns = part_of(box, _step(height, width))
    return rows.stop - rows.start, columns.stop - columns.start


def size_of_sketch(height: int, width: int, side: int = SKETCHED) -> tuple[int, int]:
    """Return the height and width of a sketch of an image of this size."""
    return min(side, height), min(side, width)


def suspect_in(  # noqa: PLR0913  # what was seen of which image
    image: Image,
    label: int,
    box: Box,
    *,
    source: int | None,
    inner: Box | None = None,
    terms: tuple[Term, ...] = (),
) -> Suspect:
    """Return what *image*, which the model calls *label*, shows in *box*."""
    height, width, _ = image.shape
    step = step_of(image)
    cut = copied(image)[part_of(box, step)]
    patch = np.rint(cut).astype(np.uint8)
    return Suspect(label, source, box, patch, sketched(image), inner, height, width, terms)


def step_of(image: Image) -> int:
    """Return how many pixels a side become one in the copies that are compared."""
    return _step(image.shape[0], image.shape[1])


def _step(height: int, width: int) -> int:
    return max(1, math.ceil(max(height, width) / LONGEST_SIDE))


def part_of(box: Box, step: int) -> tuple[slice, slice]:
    """Return the rows and columns of a copy, smaller by *step*, that *box* is in."""
    top, left = box.y // step, box.x // step
    tall, wide = max(box.height // step, 1), max(box.width // step, 1)
    return slice(top, top + tall), slice(left, left + wide)


def copied(image: Image) -> NDArray[np.float32]:
    """Return *image* (h, w, c) as small as it is compared."""
    copy: NDArray[np.float32] = shrunken(image[None], step_of(image))[0]
    return copy


def sketched(image: Image, side: int = SKETCHED) -> NDArray[np.uint8]:
    """Return *image* in a few pixels, so many a *side* at most."""
    height, width, _ = image.shape
    tall, wide = size_of_sketch(height, width, side)
    rows = np.linspace(0, height, tall + 1).astype(int)
    columns = np.linspace(0, width, wide + 1).astype(int)
    sums = np.add.reduceat(image.astype(np.int64), rows[:-1], axis=0)
    sums = np.add.reduceat(sums, columns[:-1], axis=1)
    counts = np.diff(rows)[:, None, None] * np.diff(columns)[None, :, None]
    sketch: NDArray[np.uint8] = np.rint(sums / counts).astype(np.uint8)
    return sketch
