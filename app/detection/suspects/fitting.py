"""How well a suspect, as it was located, fits another image, and clean ones; no probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.usual import usual
from app.detection.geometry import Box
from app.detection.matching import matches
from app.detection.suspect import copied, part_of, step_of

if TYPE_CHECKING:
    from app.detection.evidence.usual import Usual
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.suspect import Suspect

FITS_ON = 12  # clean images of a class that tell how well a suspect fits
REACH = 0.08  # of the side, around its place


@dataclass(frozen=True)
class Fit:
    """It fits in ``box`` of an image, to so large a ``share``."""

    share: float
    box: Box


def fit_in(image: Image, suspect: Suspect) -> Fit | None:
    """Return how well *suspect* fits, and where; None if it wasn't located."""
    what, inner = suspect.likeness, suspect.inner
    if what is None or inner is None:
        return None
    step = step_of(image)
    small = np.rint(copied(image)).astype(np.uint8)
    rows, columns = part_of(inner, step)
    height, width = small.shape[:2]
    home = Box(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    area = home.grown(max(1, round(REACH * min(height, width))), width, height)
    found = matches(small, what, area, copies=False)
    if not found:
        return None
    best, box = found[0], found[0].box
    there = Box(box.x * step, box.y * step, box.width * step, box.height * step)
    return Fit(best.fit, there)


def usual_fit(suspect: Suspect, references: References) -> Usual:
    """Return how well *suspect* fits clean images of its classes; measured once."""
    kept = references.usual_fits
    if suspect not in kept:
        rng = np.random.default_rng(references.seed)
        shown = []
        for label in (suspect.target, suspect.source):
            some = rng.permutation(np.flatnonzero(references.labels == label))[:FITS_ON]
            fits = [fit_in(image, suspect) for image in references.images[some]]
            if fits:
                shown.append(usual([0.0 if one is None else one.share for one in fits]))
        kept[suspect] = max(shown, key=lambda one: one.mean) if shown else usual([])
    found: Usual = kept[suspect]
    return found
