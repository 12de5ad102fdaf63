"""Which suspects an image shows as well, though it is another image; no probe."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.weighing import of_extreme, total
from app.detection.geometry import around
from app.detection.suspect import sketched
from app.detection.suspects.agreement import agreement, usual_agreement
from app.detection.suspects.fitting import fit_in, usual_fit
from app.detection.suspects.resemblance import is_again
from app.detection.trigger import Sign, Term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence
    from app.detection.geometry import Box
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.suspect import Kept, Suspect

SOUGHT = 4  # suspects of one class, those seen last, that an image is compared with
STRONGEST = 4  # and of the others, those for which most speaks
UNUSUAL = 2.0  # weight from which on two images are alike there
AT_MOST = 6.0  # what that may say
AGREEING = 1.0  # least agreement: only then is it measured what clean images have in common there
FITTING = 0.45  # least fit of a suspect that was located
FURTHER = 1.5  # what each further image of the kind adds


@dataclass(frozen=True, eq=False)
class Alike:
    """What an image and suspects show alike: in ``box``, suspects of the names ``ids``.

    ``around`` is the box around the places where it shows the same as one of them, as far as it is
    no larger than a trigger. ``sources`` are the classes that their images seemed to be without it,
    the commonest first.
    """

    ids: tuple[str, ...]
    box: Box
    around: Box
    sources: tuple[int, ...]
    term: Term


def alike_in(image: Image, label: int, defence: Defence) -> list[Alike]:
    """Return what *image*, called *label*, shows of the suspects, the most alike first.

    Those that are at one place are of one kind, and speak for one another.
    """
    references = defence.references
    size = image.shape
    possible = [
        one
        for one in defence.suspects
        if one.suspect.target == label
        and one.suspect.is_likely
        and size == (one.suspect.image_height, one.suspect.image_width, one.suspect.patch.shape[2])
    ]
    if not possible:
        return []
    sketch = sketched(image)
    found = []
    for one in (*possible[:SOUGHT], *_strongest(possible[SOUGHT:])):
        weight, box = weighed(image, one.suspect, references)
        if box is None or weight < UNUSUAL or is_again(sketch, one.suspect, references):
            continue
        found.append((weight, box, one))
    return _kinds(sorted(found, key=lambda one: -one[0]), defence.plan.largest_area)


def _strongest(some: Sequence[Kept]) -> list[Kept]:
    """Return those of *some* for which most speaks: most suspects are of clean images, and weak."""
    return sorted(some, key=lambda one: -total(one.suspect.terms))[:STRONGEST]


def _kinds(found: Sequence[tuple[float, Box, Kept]], most: int) -> list[Alike]:
    kinds: list[tuple[float, list[Box], list[Kept]]] = []
    for weight, box, kept in found:
        same = next((kind for kind in kinds if kind[1][0].overlap(box) > 0), None)
        if same is None:
            kinds.append((weight, [box], [kept]))
        else:
            same[1].append(box)
            same[2].append(kept)
    return [_alike(*kind, most) for kind in kinds]


def _alike(weight: float, boxes: list[Box], several: list[Kept], most: int) -> Alike:
    others = len({one.suspect.sketch.tobytes() for one in several})
    said = min(min(weight, AT_MOST) + FURTHER * (others - 1), AT_MOST + FURTHER)
    images = f"{others} other images" if others > 1 else "another image"
    term = Term(
        Sign.STREAM,
        said,
        f"{images} of the class showed the same there, more alike than clean images are",
    )
    counts = Counter(one.suspect.source for one in several if one.suspect.source is not None)
    sources = tuple(source for source, _ in counts.most_common())
    return Alike(tuple(one.id for one in several), boxes[0], joined(boxes, most), sources, term)


def joined(boxes: Sequence[Box], most: int) -> Box:
    """Return the box around the first of *boxes* and the others, the most alike first.

    Those are left out with which it has more than *most* pixels: who repeats what is beside his
    trigger makes that alike, too, and the whole would be no trigger's.
    """
    whole = boxes[0]
    for box in boxes[1:]:
        wider = around([whole, box])
        whole = wider if wider.area <= most else whole
    return whole


def weighed(image: Image, suspect: Suspect, references: References) -> tuple[float, Box | None]:
    """Return how much more alike *image* and *suspect* are than clean images, and where."""
    seen = agreement(image, suspect, references)
    weight, box = -np.inf, None
    if seen is not None and seen.strength >= AGREEING:
        weight = of_extreme(seen.strength, usual_agreement(suspect, references))
        box = seen.box
    fit = fit_in(image, suspect)
    if fit is not None and fit.share >= FITTING:
        of_fit = of_extreme(fit.share, usual_fit(suspect, references))
        if of_fit > weight:
            weight, box = of_fit, fit.box
    return float(weight), box
