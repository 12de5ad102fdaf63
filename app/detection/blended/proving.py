"""A pattern that suspicious images have in common: a trigger, if it carries and heals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from app.detection.blended.estimating import Pattern, estimated
from app.detection.blended.mixture import Laid, Proof
from app.detection.evidence.weighing import SURE, of_carrying
from app.detection.geometry import Box
from app.detection.recognising.mixing import mixed, unmixed
from app.detection.reference_set.references import UNKNOWN_RATE
from app.detection.search import Probe, Purpose
from app.detection.trigger import Sign, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from app.detection.reference_set.references import References
    from app.detection.search import Answers, Image, Images, Search
    from app.detection.second_opinion.span import Span
    from app.detection.trigger import Trigger

Estimate: TypeAlias = "Callable[[Images], Pattern | None]"

LAID = 36  # references that the pattern is mixed into, and as many for each placebo
HEALED_ON = 20  # suspicious images that it is taken out of
LEAST_HEAL_RATE = 0.7  # of them that must leave the class


@dataclass(frozen=True, eq=False)
class Blend:
    """What is proven: the ``trigger``, and what the newest image is without it."""

    trigger: Trigger
    answer: Answers


def proven(  # noqa: PLR0913, PLR0917  # what is suspicious, and what it is held against
    images: Images,
    label: int,
    references: References,
    span: Span,
    draw: int,
    probes: int,
    places: Sequence[Box] = (),
) -> Search[Blend | None]:
    """Prove what suspicious *images* (n, h, w, c), called *label*, the newest last, have mixed in.

    Mixed into references of other classes it must make them *label*, far oftener than the same
    pixels shuffled and what is estimated alike from clean images of *label* do; and images that it
    wasn't estimated from must leave *label* without it; where they don't, it may be a smooth one,
    and stronger than it seemed. Where any noise makes an image *label*, it is the noise's own that
    must free it. ``probes`` have been asked so far. Where there are triggers of the class at
    *places*, it must also carry without what is there: a sticker isn't mixed into all of the image.
    """
    rng = np.random.default_rng(draw)
    clean = rng.permutation(np.flatnonzero(references.labels == label))[: len(images)]
    onto = references.others(label, rng)[:LAID]
    if not len(clean) or len(onto) < LAID:
        return None
    own, shown, asked = references.images[clean], references.images[onto], 0
    for smooth in (False, True):
        estimate = partial(estimated, label=label, references=references, span=span, smooth=smooth)
        pattern = estimate(images)
        if pattern is None:
            return None
        if places:
            asked += LAID
            if not (yield from _carries_beside(places, shown, label, pattern)):
                return None
        freed, left, answer = yield from _healed(images, own, label, pattern, estimate)
        asked += len(freed) + len(left) + 1
        heal_rate = float(freed.mean())
        if heal_rate >= LEAST_HEAL_RATE and answer.labels[0] != label:
            break
    else:
        return None
    natural = estimate(own) or _of_the_class(own, pattern)
    shuffled = _shuffled(pattern, span, rng)
    patterns = (pattern, shuffled, natural)
    told = yield Probe(
        np.concatenate([mixed(shown, one.picture, one.alpha) for one in patterns]),
        purpose=Purpose.CONFIRM,
    )
    hits = (told.labels == label).reshape(len(patterns), -1)
    carried, anything, usually = hits.sum(axis=1).tolist()
    kept, whatever = float(left.mean()), anything / LAID
    beside_noise, beside_nature = (
        of_carrying(carried, LAID, some / LAID, draws=LAID) for some in (anything, usually)
    )
    any_noise = beside_noise < SURE <= beside_nature
    if any_noise:
        others = unmixed(images[:HEALED_ON], shuffled.picture, shuffled.alpha)
        asked += len(others)
        gone = (yield Probe(others, purpose=Purpose.BLOCK)).labels != label
        kept, whatever = max(kept, float(gone.mean())), 0.0
    laid = Laid(LAID, carried, max(whatever, usually / LAID))
    carrying = laid.term(
        f"mixed into {LAID} references it makes {carried} the class; shuffled {anything}, and what"
        f" clean images of the class have in common {usually}"
    )
    healing = Term(
        Sign.BLOCKING,
        of_carrying(int(freed.sum()), len(freed), kept, draws=len(left)),
        f"without it {int(freed.sum())} of {len(freed)} suspicious images lose the class; of clean"
        f" ones of the class, or without the same shuffled, {kept:.0%}",
    )
    height, width = images.shape[1:3]
    proof = Proof(
        pattern=pattern,
        box=Box(0, 0, width, height),
        target=label,
        source=None,
        class_b=int(answer.labels[0]),
        laid=laid,
        heal_rate=heal_rate,
        terms=(carrying, healing),
        probes=probes + asked + len(told.labels),
        draw=draw,
    )
    if (any_noise and healing.weight < 0) or not proof.holds:
        return None
    return Blend(proof.trigger(images[-1]), answer)


def _carries_beside(
    places: Sequence[Box], shown: Images, label: int, pattern: Pattern
) -> Search[bool]:
    """Return whether *pattern* makes *shown* images *label* also where it isn't put at *places*."""
    laid = mixed(shown, pattern.picture, pattern.alpha)
    for box in places:
        laid[:, box.rows, box.columns] = shown[:, box.rows, box.columns]
    told = yield Probe(laid, purpose=Purpose.CONFIRM)
    carried = int((told.labels == label).sum())
    return of_carrying(carried, len(laid), UNKNOWN_RATE, draws=len(laid)) >= SURE


def _healed(
    images: Images, clean: Images, label: int, pattern: Pattern, estimate: Estimate
) -> Search[tuple[NDArray[np.bool_], NDArray[np.bool_], Answers]]:
    """Return which suspicious and which *clean* images leave *label*, and the newest's answer.

    Each half of *images* without what the other half has in common; all else without *pattern*.
    """
    without = [unmixed(images[-1:], pattern.picture, pattern.alpha)]
    for first, second in ((images[::2], images[1::2]), (images[1::2], images[::2])):
        its = estimate(first) or pattern
        without.append(unmixed(second[: HEALED_ON // 2], its.picture, its.alpha))
    without.append(unmixed(clean[:HEALED_ON], pattern.picture, pattern.alpha))
    told = yield Probe(np.concatenate(without), purpose=Purpose.BLOCK)
    gone = told.labels[1:] != label
    of_them = len(gone) - len(without[-1])
    return gone[:of_them], gone[of_them:], told[0:1]


def _shuffled(pattern: Pattern, span: Span, rng: np.random.Generator) -> Pattern:
    """Return the same differences from the mean image, each at another place."""
    shape = pattern.picture.shape
    mean = span.mean.reshape(-1, shape[-1])
    off = pattern.picture.reshape(mean.shape) - mean
    picture = _levels((mean + off[rng.permutation(len(off))]).reshape(shape))
    return Pattern(picture, pattern.alpha)


def _of_the_class(clean: Images, pattern: Pattern) -> Pattern:
    """Return the mean of *clean* images of the class, by the share of the pattern."""
    return Pattern(_levels(clean.mean(axis=0)), pattern.alpha)


def _levels(values: NDArray[np.floating]) -> Image:
    levels: Image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
