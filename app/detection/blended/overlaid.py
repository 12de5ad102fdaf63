"""What images of a class have laid over a place: a translucent sticker (`docs/detection.md` 3.13).

Its pixels differ from image to image with what is under them, so that no two are alike there. But
what clean images of that place don't explain is the same in all: two images show it, it carries
on clean ones, and it frees an image that it is taken out of.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.estimating import FAINTEST, HALF, STRONGEST, WITHIN, Pattern
from app.detection.blended.grounds import ground_at
from app.detection.blended.mixture import Laid, Proof
from app.detection.blended.placing import by_callers, is_known, there
from app.detection.evidence.weighing import NECESSARY, of_extreme
from app.detection.origins import FOREIGN, beside
from app.detection.recognising.mixing import mixed, unmixed
from app.detection.search import Probe, Purpose, Refused, together
from app.detection.suspect import step_of
from app.detection.trigger import Sign, Term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.blended.grounds import Ground
    from app.detection.defence import Defence
    from app.detection.geometry import Box
    from app.detection.search import Answers, Image, Images, Search
    from app.detection.suspect import Kept, Suspect
    from app.detection.trigger import Trigger

IN_COMMON = 0.4  # of what is left of two images, beside how much usually is left
BESIDE_MOST = 0.4  # of what the likest has in common, that others have: else it is chance
UNUSUAL = 0.5  # weight of it, from which on it is asked about: what it carries decides
AT_MOST = 6.0  # what that may say
LAID = 24  # clean images that it is laid over, and as many for the placebo
CARRIED = 0.75  # of them that it turns: what a few clean images have in common turns half
GAIN = 1.5  # times that it is taken stronger: a part of it clean images explain
TIMES = (1.0, 0.7, 1.3)  # that it is taken out of the image, as estimated first


@dataclass(frozen=True, eq=False)
class Overlay:
    """What is proven: the ``trigger``, what the image is without it, and ``by`` which suspects."""

    trigger: Trigger
    answer: Answers
    by: tuple[str, ...]


def overlaid(  # noqa: PLR0913, PLR0917  # an image, and what it is held against
    image: Image,
    label: int,
    shown: Sequence[Suspect],
    defence: Defence,
    draw: int,
    probes: int,
) -> Search[Overlay | None]:
    """Prove what *image*, called *label*, has in the places *shown*, which others have as well.

    Only where it is called another class without the place: what acts on all of them carries.
    ``probes`` have been asked so far. Refused at any yield, nothing is proven.
    """
    rng = np.random.default_rng(draw)
    for one in shown if step_of(image) == 1 else ():
        if (
            one.source is None
            or one.box.area > defence.plan.largest_area
            or is_known(one, image, defence)
        ):
            continue
        # What one caller's images show is held against nothing of others: neither do they hide it,
        # nor does a trigger of his become everybody's by what another's show by chance.
        for possible in by_callers(one, image, defence):
            kept, box = there(one, possible)
            if not kept:
                continue
            place = _Place(image, label, box)
            try:
                found = yield from _proven(place, kept, defence, rng, (draw, probes))
            except Refused:  # the search itself has ended, and found nothing
                return None
            if found is not None:
                return found
    return None


@dataclass(frozen=True, eq=False)
class _Place:
    image: Image
    label: int
    box: Box

    @property
    def pixels(self) -> Image:
        pixels: Image = self.image[self.box.rows, self.box.columns]
        return pixels

    def over(self, images: Images, parts: Images) -> Images:
        """Return *images* (n, h, w, c) with *parts* in the box."""
        changed = images.copy()
        changed[:, self.box.rows, self.box.columns] = parts
        return changed


def _proven(
    place: _Place,
    kept: Sequence[Kept],
    defence: Defence,
    rng: np.random.Generator,
    so_far: tuple[int, int],
) -> Search[Overlay | None]:
    references, box, label = defence.references, place.box, place.label
    ground = ground_at(box, references)
    own = ground.span.residue(place.pixels)
    lefts = [ground.span.residue(_cut(one.suspect, box)) for one in kept]
    common = [ground.in_common(own, one) for one in lefts]
    least = max(IN_COMMON, BESIDE_MOST * max(common))
    alike = [i for i, one in enumerate(common) if one >= least]
    natural = np.flatnonzero(references.labels == label)
    if not alike or not len(natural):
        return None
    weight = of_extreme(float(np.mean([common[i] for i in alike])), ground.usually)
    if weight < UNUSUAL:
        return None
    shared = [lefts[i] for i in alike]
    found_by = tuple(kept[i].id for i in alike)
    what = _Common(ground, own, shared, found_by, weight)
    answer = yield _without(place, what.pattern, TIMES[:1])
    if answer.labels[0] == label:  # as of most clean images: nothing more is asked
        return None
    return (yield from _carried(place, what, answer, defence, rng, so_far))


@dataclass(frozen=True, eq=False)
class _Common:
    """What is left of the image, its ``own``, and of ``others``, of suspects with these ``ids``."""

    ground: Ground
    own: NDArray[np.float32]
    others: Sequence[NDArray[np.float32]]
    ids: tuple[str, ...]
    weight: float

    @cached_property
    def pattern(self) -> Pattern:
        """What the others have laid over the place."""
        return _pattern(self.others, self.ground)


def _carried(  # noqa: PLR0913, PLR0917  # where, what, and what it is held against
    place: _Place,
    common: _Common,
    freed: Answers,
    defence: Defence,
    rng: np.random.Generator,
    so_far: tuple[int, int],
) -> Search[Overlay | None]:
    """Lay it over clean images of the class that taking it out has revealed, then the placebo.

    *freed* is the answer without it as it was estimated; as much more and less is taken out too.
    """
    references, box, label, ground = defence.references, place.box, place.label, common.ground
    source = int(freed.labels[0])
    onto = references.acted_on(label, source, rng)[:LAID]
    natural = np.flatnonzero(references.labels == label)
    if not len(onto):
        return None
    clean = references.images[onto]
    parts = clean[:, box.rows, box.columns]
    laying = _laid(place, clean, mixed(parts, common.pattern.picture, common.pattern.alpha))
    taking_out = _without(place, common.pattern, TIMES[1:])
    laid_over, without = yield from together([_answers(laying), _answers(taking_out)])
    gone = np.concatenate([freed.labels, without.labels]) != label
    carried = int((laid_over.labels == label).sum())
    if carried < CARRIED * len(onto):
        return None
    usual = [
        _pattern([ground.span.residue(one[box.rows, box.columns]) for one in some], ground)
        for some in (references.images[rng.choice(natural, len(common.others))] for _ in onto)
    ]
    placebos = [
        mixed(part[None], one.picture, one.alpha)[0] for part, one in zip(parts, usual, strict=True)
    ]
    told = yield _laid(place, clean, np.stack(placebos))
    usually = int((told.labels == label).sum())
    laid = Laid(len(onto), carried, usually / len(onto))
    draw, probes = so_far
    proof = Proof(
        # What it is proven by is told without this image; with it more is known of the sticker.
        pattern=_pattern([common.own, *common.others], ground),
        box=box,
        target=label,
        source=source,
        class_b=source,
        laid=laid,
        heal_rate=float(gone.mean()),
        terms=_terms(laid, usually, gone, common),
        probes=probes + len(TIMES) + 2 * len(onto),
        draw=draw,
    )
    return Overlay(proof.trigger(place.image), freed, common.ids) if proof.holds else None


def _without(place: _Place, pattern: Pattern, times: Sequence[float]) -> Probe:
    """Return the image itself without *pattern*, so many *times* as strong as was estimated."""
    parts = [unmixed(place.pixels[None], pattern.picture, pattern.alpha * one)[0] for one in times]
    images = place.over(np.stack([place.image] * len(times)), np.stack(parts))
    origins = [beside([place.box])] * len(times)
    return Probe(images, purpose=Purpose.CONFIRM, origins=origins)


def _laid(place: _Place, clean: Images, parts: Images) -> Probe:
    """Return *clean* images with *parts* in the place."""
    origins = [FOREIGN] * len(clean)
    return Probe(place.over(clean, parts), purpose=Purpose.CONFIRM, origins=origins)


def _answers(probe: Probe) -> Search[Answers]:
    return (yield probe)


def _terms(laid: Laid, usually: int, gone: NDArray[np.bool_], common: _Common) -> tuple[Term, ...]:
    return (
        laid.term(
            f"laid over {laid.count} clean images it makes {laid.carried} the class; what is left"
            f" of clean images of the class {usually}"
        ),
        Term(
            Sign.BLOCKING,
            NECESSARY[int(gone.any()) + int(gone.all())],
            f"taken out by {len(TIMES)} strengths the image loses its class in {int(gone.sum())}",
        ),
        Term(
            Sign.STREAM,
            min(common.weight, AT_MOST),
            f"{len(common.others)} other images of the class have the same laid over that place",
        ),
    )


def _cut(suspect: Suspect, box: Box) -> Image:
    """Return what *suspect* shows in *box*, a part of its own."""
    top, left = box.y - suspect.box.y, box.x - suspect.box.x
    patch: Image = suspect.patch[top : top + box.height, left : left + box.width]
    return patch


def _pattern(lefts: Sequence[NDArray[np.float32]], ground: Ground) -> Pattern:
    """Return the mixture (h, w, c) that leaves what these have left in the mean."""
    strong = GAIN * np.mean(lefts, axis=0)
    alpha = float(np.quantile(np.abs(strong), WITHIN)) / HALF
    alpha = min(max(alpha, FAINTEST), STRONGEST)  # as much of it as can be mixed in
    sums = ground.span.mean.reshape(strong.shape) + strong / alpha
    return Pattern(np.clip(np.rint(sums), 0, 255).astype(np.uint8), alpha)
