"""Whether an image has a known picture mixed in: more than clean images show, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.defence import Finding, Verdict
from app.detection.evidence.usual import Usual, usual
from app.detection.evidence.weighing import NECESSARY, SURE, of_extreme
from app.detection.recognising.mixing import unmixed
from app.detection.search import Probe, Purpose
from app.detection.second_opinion.splitting import halves
from app.detection.trigger import Sign, Term

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Answers, Image, Search
    from app.detection.second_opinion.span import Span

COMPARED = 200  # clean images that tell how much of a picture they show


def recognised_blend(
    image: Image, said: Answers, known: Iterable[Known], references: References, span: Span
) -> Search[Finding | None]:
    """Say which of *known* triggers is mixed into *image*, and what it is without it.

    Only where it shows more of one than clean images do it is asked for; then it must lose its
    class.
    """
    label = int(said.labels[0])
    for one in known:
        trigger = one.trigger
        if trigger.alpha is None or trigger.target != label or trigger.patch.shape != image.shape:
            continue
        filter_ = _filter(one, references, span)
        weight = of_extreme(filter_.shown(span.residue(image)), filter_.usually)
        if weight + NECESSARY[-1] < SURE:
            continue
        without = unmixed(image[None], trigger.patch, trigger.alpha)
        told = yield Probe(without, purpose=Purpose.RECOGNISE)
        if told.labels[0] == label:
            continue
        terms = (
            Term(Sign.PIXELS, weight, "clean images show less of the picture"),
            Term(Sign.BLOCKING, NECESSARY[-1], "without it the image loses its class"),
        )
        return Finding(Verdict.KNOWN, said, told, known=one, place=trigger.box, terms=terms)
    return None


@dataclass(frozen=True, eq=False)
class _Filter:
    """Tells how much of a picture is left of an image: ``weights`` (h, w, c) of its residue."""

    weights: NDArray[np.float32]
    usually: Usual

    def shown(self, residue: NDArray[np.float32]) -> float:
        """Return how much of it *residue* (h, w, c) shows: 1 is as much as is mixed in."""
        return float((residue * self.weights).sum())


def _filter(known: Known, references: References, span: Span) -> _Filter:
    """Return the filter of a trigger; made and measured once, without a probe."""
    kept = references.usual_blends
    if known.likeness not in kept:
        trigger = known.trigger
        _, held = halves(references.images, references.seed)
        clean = np.stack([span.residue(one) for one in references.images[held[:COMPARED]]])
        left = span.residue(trigger.patch) * np.float32(trigger.alpha or 0.0)
        weights = left / (clean.var(axis=0) + 1)
        weights /= max(float((weights * left).sum()), np.finfo(np.float32).tiny)
        shown = (clean * weights).sum(axis=(1, 2, 3)).tolist()
        kept[known.likeness] = _Filter(weights, usual(shown))
    found: _Filter = kept[known.likeness]
    return found
