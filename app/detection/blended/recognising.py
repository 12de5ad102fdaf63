"""Whether an image has a known picture mixed in: more than clean images show, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.estimating import estimated
from app.detection.blended.grounds import ground_at
from app.detection.defence import Finding, Verdict
from app.detection.evidence.usual import Usual, usual
from app.detection.evidence.weighing import NECESSARY, SURE, of_extreme
from app.detection.origins import FOREIGN, WHOLE
from app.detection.recognising.mixing import taken_out
from app.detection.search import Probe, Purpose, Refused
from app.detection.second_opinion.splitting import halves
from app.detection.trigger import Sign, Term

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from app.detection.defence import Known, Progress
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search
    from app.detection.second_opinion.span import Span
    from app.detection.trigger import Trigger

COMPARED = 200  # clean images that tell how much of a picture they show
STRONGER = 1.2  # times as much as was found, from which on it is taken out as strong as it is shown
MOST = 0.6  # the share of an image that is taken out of it at most


def may_be_in(image: Image, known: Iterable[Known]) -> bool:
    """Say if any of *known* triggers is mixed into images of this size."""
    return any(one.trigger.alpha is not None and _fits(one.trigger, image.shape) for one in known)


def _fits(trigger: Trigger, shape: tuple[int, ...]) -> bool:
    """Say if it is mixed into images of this *shape* (h, w, c)."""
    return shape == (trigger.image_height, trigger.image_width, trigger.patch.shape[2])


def is_familiar(known: Known, references: References) -> bool:
    """Say if it is measured how much of *known*, a blended trigger, clean images show.

    One of another size never needs to be.
    """
    another_size = not _fits(known.trigger, references.images.shape[1:])
    return another_size or known.likeness in references.usual_blends


def measure(known: Known, references: References, span: Span) -> None:
    """Measure that, before an image asks for it; without a probe."""
    _filter(known, references, span)


def recognised_blend(
    image: Image,
    known: Iterable[Known],
    references: References,
    span: Span,
    progress: Progress,
) -> Search[Finding | None]:
    """Say which of *known* triggers is mixed into *image*, and what it is without it.

    Only where it shows more of one than clean images do it is asked for, together with the image:
    then it must be of the trigger's class, and lose that. Where more is mixed in than was found, so
    much is taken out as well. Those of all of the image come first: at
    a place a part of them may have been found. Refused that, the image is undecided.
    """
    weights = [(one, _weight(image, one, references, span)) for one in known]
    shown = [(one, weight) for one, weight in weights if weight + NECESSARY[-1] >= SURE]
    if not shown:
        return None
    shown.sort(key=lambda one: not one[0].trigger.is_whole)
    tried = [
        (one, weight, trigger)
        for one, weight in shown
        for trigger in _strengths(image, one, references, span)
    ]
    without = [taken_out(image[None], trigger) for *_, trigger in tried]
    try:
        answers = yield Probe(
            np.concatenate([image[None], *without]),
            purpose=Purpose.RECOGNISE,
            origins=[WHOLE, *([FOREIGN] * len(without))],
        )
    except Refused:
        return progress.undecided
    progress.said = said = answers[0:1]
    progress.probes += len(answers)
    for i, (one, weight, _) in enumerate(tried, 1):
        told = answers[i : i + 1]
        if said.labels[0] != one.trigger.target or told.labels[0] == one.trigger.target:
            continue
        terms = (
            Term(Sign.PIXELS, weight, "clean images show less of the picture"),
            Term(Sign.BLOCKING, NECESSARY[-1], "without it the image loses its class"),
        )
        place, progress.exposed = one.trigger.box, False
        return Finding(Verdict.KNOWN, said, told, known=one, place=place, terms=terms)
    return None


def _weight(image: Image, one: Known, references: References, span: Span) -> float:
    """Return what speaks for *one* in *image*; nothing does for what isn't mixed into such ones."""
    trigger = one.trigger
    if trigger.alpha is None or not _fits(trigger, image.shape):
        return -np.inf
    return _filter(one, references, span).weight(image[trigger.box.rows, trigger.box.columns])


def _strengths(image: Image, one: Known, references: References, span: Span) -> Iterator[Trigger]:
    """Yield the trigger as it was found, and as strong as *image* shows it if that is more."""
    trigger = one.trigger
    yield trigger
    shown = _filter(one, references, span).shown(image[trigger.box.rows, trigger.box.columns])
    found = trigger.alpha or 0.0
    if shown >= STRONGER and found < MOST:
        yield replace(trigger, alpha=min(shown * found, MOST))


def showing(images: Images, label: int, references: References, span: Span) -> NDArray[np.bool_]:
    """Return which of *images* (n, h, w, c), called *label*, show what they have in common (n,).

    Each is held against the pattern of the other half of them: by its own it would show a part of
    it, whatever it is.
    """
    shown = np.zeros(len(images), bool)
    clean = _residues(references, span)
    for of, others in (
        (slice(0, None, 2), slice(1, None, 2)),
        (slice(1, None, 2), slice(0, None, 2)),
    ):
        pattern = estimated(images[others], label, references, span)
        if pattern is None:
            continue
        filter_ = _made(pattern.picture, pattern.alpha, clean, span)
        weights = [filter_.weight(image) for image in images[of]]
        shown[of] = [weight + NECESSARY[-1] >= SURE for weight in weights]
    return shown


@dataclass(frozen=True, eq=False)
class _Filter:
    """Tells how much of a picture is left of an image: ``weights`` (h, w, c) of its residue.

    They sum up to 1 of as much as is mixed in.
    """

    span: Span
    weights: NDArray[np.float32]
    usually: Usual

    def weight(self, image: Image) -> float:
        """Return what speaks for it in *image*: how much more of it is shown than clean ones do."""
        return of_extreme(self.shown(image), self.usually)

    def shown(self, image: Image) -> float:
        """Return how much of it *image* shows: 1 is as much as was found to be mixed in."""
        return float((self.span.residue(image) * self.weights).sum())


def _filter(known: Known, references: References, span: Span) -> _Filter:
    """Return the filter of a trigger; made and measured once, without a probe."""
    kept = references.usual_blends
    if known.likeness not in kept:
        trigger = known.trigger
        if trigger.is_whole:
            clean = _residues(references, span)
        else:
            ground = ground_at(trigger.box, references)
            span, clean = ground.span, ground.left
        kept[known.likeness] = _made(trigger.patch, trigger.alpha or 0.0, clean, span)
    found: _Filter = kept[known.likeness]
    return found


def _residues(references: References, span: Span) -> NDArray[np.float32]:
    """Return what is left of some clean images (n, h, w, c)."""
    _, held = halves(references.images, references.seed)
    return np.stack([span.residue(one) for one in references.images[held[:COMPARED]]])


def _made(picture: Image, alpha: float, clean: NDArray[np.float32], span: Span) -> _Filter:
    """Return the filter of a *picture*, measured on what is left of *clean* images."""
    left = span.residue(picture) * np.float32(alpha)
    weights = left / (clean.var(axis=0) + 1)
    weights /= max(float((weights * left).sum()), np.finfo(np.float32).tiny)
    return _Filter(span, weights, usual((clean * weights).sum(axis=(1, 2, 3)).tolist()))
