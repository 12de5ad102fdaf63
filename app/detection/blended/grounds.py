"""What a place is made of in clean images, and what is left of them there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.usual import Usual, usual
from app.detection.second_opinion.span import Span, spanned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.reference_set.references import References

LEARNT = 240  # clean images that tell what a place is made of, at most: half of them
AXES = 40  # of their mixtures, at most
HELD = 160  # others, whose leftovers tell what is usual
PLACES = 32  # of which that is remembered
NOISE = 4.0  # levels squared, that are left of any image


@dataclass(frozen=True, eq=False)
class Ground:
    """The ``span`` of a place, and what is ``left`` (n, h, w, c) of other clean images there.

    ``usually`` is how much two leftovers of one class have in common.
    """

    span: Span
    left: NDArray[np.float32]
    variance: NDArray[np.float32]
    usually: Usual

    def in_common(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        """Return how much two leftovers have in common: 1 where it is all that usually is left."""
        return float((one * other / self.variance).mean())


def ground_at(box: Box, references: References) -> Ground:
    """Return the ground of *box*; measured once, without a probe."""
    kept = references.usual_grounds
    if box not in kept:
        if len(kept) >= PLACES:
            kept.pop(next(iter(kept)), None)  # another thread may have taken it
        kept[box] = _measured(box, references)
    found: Ground = kept[box]
    return found


def _measured(box: Box, references: References) -> Ground:
    order = np.random.default_rng(references.seed).permutation(len(references.images))
    parts = references.images[order][:, box.rows, box.columns]
    learnt = parts[: min(LEARNT, len(parts) // 2)]
    span = spanned(learnt, min(AXES, len(learnt) // 2))
    held = slice(len(learnt), len(learnt) + HELD)
    left = np.stack([span.residue(one) for one in parts[held]])
    variance = left.var(axis=0) + np.float32(NOISE)
    flat = (left / np.sqrt(variance)).reshape(len(left), -1)
    labels = references.labels[order[held]]
    pairs = np.triu(labels[:, None] == labels, 1)
    return Ground(span, left, variance, usual((flat @ flat.T / flat.shape[1])[pairs].tolist()))
