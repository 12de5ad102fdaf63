"""Whether two images are one picture again, or the next of a video; no probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.suspect import sketched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.reference_set.references import References
    from app.detection.suspect import Suspect

AGAIN = 0.02  # share of clean pairs of a class that are more alike than what is one picture again
LEAST = 6.0  # levels that two pictures are apart at least, whatever clean ones are
DIFFERENT = 0.8  # of how much the plainer one of two pictures varies, that is between two of them
SKETCHES = 20  # clean images of a class, whose pairs tell how far two are apart


def is_again(sketch: NDArray[np.uint8], suspect: Suspect, references: References) -> bool:
    """Say if *sketch* is of the same picture as the suspect's, or of the next of a video.

    In the dark any two are few levels apart: so they are compared with how much they vary, too.
    """
    beside = _beside(suspect)
    apart = _apart(sketch, suspect.sketch, beside)
    if apart <= LEAST:
        return True
    varying = min(_varying(sketch, beside), _varying(suspect.sketch, beside))
    return apart <= min(_usually_apart(suspect, references), DIFFERENT * varying)


def _beside(suspect: Suspect) -> NDArray[np.bool_]:
    """Return which pixels of a sketch show nothing of the box."""
    tall, wide = suspect.sketch.shape[:2]
    box = suspect.box
    beside = np.ones((tall, wide), bool)
    top, left = box.y * tall // suspect.image_height, box.x * wide // suspect.image_width
    bottom = -(-(box.y + box.height) * tall // suspect.image_height)
    right = -(-(box.x + box.width) * wide // suspect.image_width)
    beside[top:bottom, left:right] = False
    return beside if beside.any() else ~beside


def _apart(a: NDArray[np.uint8], b: NDArray[np.uint8], beside: NDArray[np.bool_]) -> float:
    difference = a[beside].astype(np.float32) - b[beside]
    return float(np.abs(difference - np.median(difference)).mean())


def _varying(sketch: NDArray[np.uint8], beside: NDArray[np.bool_]) -> float:
    shown = sketch[beside].astype(np.float32)
    return float(np.abs(shown - np.median(shown)).mean())


def _usually_apart(suspect: Suspect, references: References) -> float:
    kept = references.usually_apart
    key = (suspect.target, suspect.source)
    if key not in kept:
        least = []
        rng = np.random.default_rng(references.seed)
        for label in {suspect.target, suspect.source} - {None}:
            own = rng.permutation(np.flatnonzero(references.labels == label))[:SKETCHES]
            if len(own) > 1:
                shown = np.stack([sketched(image) for image in references.images[own]])
                least.append(float(np.quantile(_all_apart(shown), AGAIN)))
        kept[key] = min(least, default=0.0)
    return kept[key]


def _all_apart(sketches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how far each two of *sketches* (n, h, w, c) are apart."""
    flat = sketches.reshape(len(sketches), -1).astype(np.float32)
    first, second = np.triu_indices(len(flat), 1)
    difference = flat[first] - flat[second]
    apart: NDArray[np.float32] = np.abs(
        difference - np.median(difference, axis=1, keepdims=True)
    ).mean(axis=1)
    return apart
