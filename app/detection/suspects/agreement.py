"""What two images have in common at one place, and clean ones haven't; it costs no probe.

A trigger stays the same while all else changes. So a square is sought in which the two are nearly
equal, though around it they differ, and though neither shows there what clean images of the class
show. Near-duplicates are equal around it as well, what a class has by nature is what clean images
show: neither stands out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from app.detection.evidence.usual import usual
from app.detection.geometry import Box
from app.detection.suspect import LONGEST_SIDE, copied, part_of, step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.evidence.usual import Usual
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.suspect import Suspect

    Slices = tuple[slice, slice]

SQUARE = 0.085  # of the copy's side: what is compared, smaller than a trigger
LEAST_SQUARE = 3  # pixels of it
RING = 2  # pixels around it that must differ
NOISE = 4.0  # levels by which what is the same may differ
REACH = 0.02  # of the side, by which the place may vary
PAIRS = 40  # of clean images of a class, that tell what is usual
COMPARED = 40  # clean images of a class, of which the pairs are
MOST_MEASURED = 1000  # boxes of which what is usual is kept; then the oldest goes
ALIKE = 0.5  # of the best square's agreement, that the squares around it have that belong to it


@dataclass(frozen=True)
class Agreement:
    """Two images agree in ``box``, by so much: the logarithm of how much more than around it."""

    strength: float
    box: Box


def agreement(image: Image, suspect: Suspect, references: References) -> Agreement | None:
    """Return where *image* agrees most with *suspect*, in its box or about so."""
    step = step_of(image)
    middles = [_middle(c, references, step) for c in _classes(suspect, references)]
    part = part_of(suspect.box, step)
    found = _best(suspect.patch.astype(np.float32), copied(image), part, middles)
    if found is None:
        return None
    (down, across), (rows, columns) = found.shift, found.region
    box = Box(
        (part[1].start + across + columns.start) * step,
        (part[0].start + down + rows.start) * step,
        (columns.stop - columns.start) * step,
        (rows.stop - rows.start) * step,
    )
    return Agreement(found.strength, box)


@dataclass(frozen=True, eq=False)
class Ground:
    """Where a suspect's ``patch`` may lie in a copy: in the rows and columns of ``area``.

    ``beside`` (squares) is how much an image can differ from it beside a square, at most.
    """

    patch: NDArray[np.float32]
    area: Slices
    side: int
    beside: NDArray[np.float32]

    def averaged(self, shown: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return by how much what is *shown* (n, h, w, c) differs from it in each square."""
        return _averaged(_differing(shown, self.patch), self.side)


def ground_of(suspect: Suspect, references: References) -> Ground | None:
    """Return where images are compared with *suspect*; None where they can't be."""
    step = step_of(references.images[0])
    middles = [_middle(c, references, step) for c in _classes(suspect, references)]
    height, width = (length // step for length in references.images.shape[1:3])
    patch, part = suspect.patch.astype(np.float32), part_of(suspect.box, step)
    tall, wide = patch.shape[:2]
    side = _side(height, width)
    if min(tall, wide) < side + 1 or not middles:
        return None
    limits = [_averaged(_differing(patch, middle[part]), side) for middle in middles]
    return Ground(patch, _area(part, (tall, wide), (height, width)), side, np.min(limits, axis=0))


def usual_agreement(suspect: Suspect, references: References) -> Usual:
    """Return how much two clean images of a class agree in the box; measured once, no probe.

    Of the target, or of the class that is it without the trigger, whichever agree more.
    """
    kept = references.usual_agreements
    key = (suspect.box, suspect.target, suspect.source)
    if key not in kept:
        if len(kept) >= MOST_MEASURED:  # whoever sends images chooses the boxes
            del kept[next(iter(kept))]
        several = [_of_class(c, suspect, references) for c in _classes(suspect, references)]
        kept[key] = max(several, key=lambda one: one.mean + one.spread)
    found: Usual = kept[key]
    return found


def _classes(suspect: Suspect, references: References) -> list[int]:
    classes = [suspect.target] if suspect.source is None else [suspect.target, suspect.source]
    return [one for one in classes if references.are_enough(one)]


def _of_class(label: int, suspect: Suspect, references: References) -> Usual:
    step = step_of(references.images[0])
    middles = [_middle(c, references, step) for c in _classes(suspect, references)]
    part, shown = part_of(suspect.box, step), _copies(label, references)
    rng = np.random.default_rng([references.seed, label])
    pairs = [(i, j) for i in range(len(shown)) for j in range(i)]
    some = [pairs[k] for k in rng.permutation(len(pairs))[:PAIRS]]
    found = [_best(shown[i][part], shown[j], part, middles) for i, j in some]
    return usual([one.strength for one in found if one is not None])


def _copies(label: int, references: References) -> NDArray[np.float32]:
    own = np.flatnonzero(references.labels == label)[:COMPARED]
    return np.stack([copied(one) for one in references.images[own]])


def _middle(label: int, references: References, step: int) -> NDArray[np.float32]:
    """Return what clean images of a class show, pixel by pixel the middle of them."""
    kept = references.middles
    if label not in kept:
        kept[label] = np.median(_copies(label, references), axis=0).astype(np.float32)
    assert step * LONGEST_SIDE >= max(references.images.shape[1:3])  # noqa: S101
    return kept[label]


@dataclass(frozen=True)
class _Found:
    strength: float
    shift: tuple[int, int]
    region: Slices


def _best(
    patch: NDArray[np.float32],
    other: NDArray[np.float32],
    part: Slices,
    middles: Sequence[NDArray[np.float32]],
) -> _Found | None:
    """Return where *other* (h, w, c) agrees most with *patch*, which lies at *part* of its own.

    All shifts of it that are inside of *other* are compared at once.
    """
    height, width = other.shape[:2]
    tall, wide = patch.shape[:2]
    side = _side(height, width)
    if min(tall, wide) < side + 1 or not middles:
        return None
    area = _area(part, (tall, wide), (height, width))
    shown = sliding_window_view(other[area], (tall, wide), (0, 1)).transpose(0, 1, 3, 4, 2)
    strengths = _agreeing(_differing(shown, patch), side)
    for middle in middles:
        strengths.limit(_averaged(_differing(patch, middle[part]), side))
        of_other = _averaged(_differing(other[area], middle[area]), side)
        strengths.limit(sliding_window_view(of_other, (tall - side + 1, wide - side + 1)))
    found = strengths.logarithms()
    down, across, *_ = (int(i) for i in np.unravel_index(found.argmax(), found.shape))
    shift = (area[0].start + down - part[0].start, area[1].start + across - part[1].start)
    best = found[down, across]
    return _Found(float(best.max()), shift, _region(best, side))


def _side(height: int, width: int) -> int:
    return max(LEAST_SQUARE, round(SQUARE * min(height, width)))


def _area(part: Slices, size: tuple[int, int], whole: tuple[int, int]) -> Slices:
    """Return the rows and columns around *part*, of this *size*, of a copy that is so large."""
    (tall, wide), (height, width) = size, whole
    reach = max(1, round(REACH * min(height, width)))
    top, left = max(part[0].start - reach, 0), max(part[1].start - reach, 0)
    bottom = min(part[0].start + reach + tall, height)
    right = min(part[1].start + reach + wide, width)
    return slice(top, bottom), slice(left, right)


@dataclass(eq=False)
class _Agreeing:
    """By what two images differ in each square, and at least ``beside`` it."""

    inside: NDArray[np.float32]
    beside: NDArray[np.float32]

    def limit(self, at_most: NDArray[np.float32]) -> None:
        """Let what is beside it count for no more than this."""
        np.minimum(self.beside, at_most, out=self.beside)

    def logarithms(self) -> NDArray[np.float32]:
        """Return by how much more the two agree in each square than beside it."""
        found: NDArray[np.float32] = np.log(
            (np.maximum(self.beside, 0) + NOISE) / (self.inside + NOISE)
        )
        return found


def _agreeing(differing: NDArray[np.float32], side: int) -> _Agreeing:
    """Compare what two images differ by (…, h, w), for each square of *side* pixels."""
    inside = _averaged(differing, side)
    larger = side + 2 * RING
    whole = _averaged(_edged(differing), larger)
    beside = (whole * larger**2 - inside * side**2) / (larger**2 - side**2)
    return _Agreeing(inside, beside.astype(np.float32, copy=False))


def _edged(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return *values* (…, h, w) with RING more of its edge around it."""
    for axis in (-1, -2):
        first, last = np.take(values, [0] * RING, axis), np.take(values, [-1] * RING, axis)
        values = np.concatenate([first, values, last], axis)
    return values


def _region(strengths: NDArray[np.float32], side: int) -> Slices:
    """Return the rows and columns of the best square and of those around it that are like it."""
    row, column = (int(i) for i in np.unravel_index(strengths.argmax(), strengths.shape))
    alike = strengths >= ALIKE * strengths.max()
    rows, columns = _run(alike[:, column], row), _run(alike[row], column)
    return slice(rows[0], rows[1] + side), slice(columns[0], columns[1] + side)


def _run(alike: NDArray[np.bool_], at: int) -> tuple[int, int]:
    """Return the first and the last of those *alike* that hang together with the one *at*."""
    first = last = at
    while first > 0 and alike[first - 1]:
        first -= 1
    while last + 1 < len(alike) and alike[last + 1]:
        last += 1
    return first, last


def _differing(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    channels = a.shape[-1]
    differing: NDArray[np.float32] = np.abs(a - b) @ np.full(channels, 1 / channels, np.float32)
    return differing


def _averaged(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Average *values* (…, h, w) over every square of *side* pixels."""
    for axis in (-1, -2):
        sums = values.cumsum(axis)
        first = np.take(sums, [side - 1], axis)
        length = values.shape[axis]
        rest = np.take(sums, range(side, length), axis) - np.take(sums, range(length - side), axis)
        values = np.concatenate([first, rest], axis)
    averaged: NDArray[np.float32] = values / np.float32(side**2)
    return averaged
