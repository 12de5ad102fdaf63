"""What frees an image: its trigger hidden, and every copy of it (`docs/detection.md` 3.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.finding.blocking import choose_blocker
from app.detection.finding.synthetic import pasted
from app.detection.geometry import Box
from app.detection.images import block, transplant_pieces
from app.detection.matching import Likeness, matches
from app.detection.origins import beside
from app.detection.search import Probe, Purpose, hiding
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.detection.defence import Defence
    from app.detection.evidence.confirmation import Look
    from app.detection.evidence.nature import Nature
    from app.detection.finding.synthetic import Synthetic
    from app.detection.search import Answers, Image, Search

LEAST_HEAL_RATE = 0.5  # below it is no trigger: natural carriers measure 0.15 to 0.35
WIDENED = (2, 4, 6)  # pixels a side by which a blocker is widened where it doesn't heal
A_COPY = 0.75  # fit of the trigger's pixels, from which on another place shows a copy of it
COPIES = 3  # that are hidden beside it


@dataclass(frozen=True, eq=False)
class Healed:
    """The ``blocker`` that heals best, how often it does, and what it makes of the image.

    ``blockers`` are all that the image needs for it: over copies of the trigger, too.
    """

    blocker: Blocker
    heal_rate: float
    blockers: tuple[Blocker, ...]
    answer: Answers


def heal(  # noqa: PLR0913, PLR0917  # what was found where, and what it was found with
    image: Image,
    label: int,
    found: Look,
    windows: Sequence[Box],
    synthetic: Synthetic,
    nature: Nature,
    defence: Defence,
    rng: np.random.Generator,
) -> Search[Healed | None]:
    """Hide what was *found* in *windows*; None if nothing heals.

    Where hiding it isn't enough there may be copies of it: they are hidden, too.
    """
    plan, references = defence.plan, defence.references
    # Blockers are tried on the box and its edge: the rest of the window isn't the trigger's.
    edged = [plan.edged(piece) for piece in found.pieces]
    onto = references.acted_on(label, found.source, rng)
    tried_on = pasted(image, edged, onto, references)
    piece = found.pieces[0]  # of several, each of which is needed, blocking one is enough
    healed = yield from _healed(image, label, piece, synthetic, tried_on, nature, defence)
    if healed is not None:
        return healed
    over = [Blocker(plan.edged(copy), Fill.REFERENCES) for copy in copies(image, piece)]
    if not over:
        return None
    alone = block(image, over, references.backdrop)
    boxes = [one.box for one in over]
    synthetic = replace(
        synthetic,
        poisoned=transplant_pieces(alone, windows, synthetic.clean),
        origin=synthetic.origin.without(boxes),
    )
    once_more = _healed(alone, label, piece, synthetic, tried_on, nature, defence)
    healed = yield from hiding(boxes, once_more)
    return None if healed is None else replace(healed, blockers=(*healed.blockers, *over))


def _healed(  # noqa: PLR0913, PLR0917  # as above
    image: Image,
    label: int,
    piece: Box,
    synthetic: Synthetic,
    tried_on: Synthetic,
    nature: Nature,
    defence: Defence,
) -> Search[Healed | None]:
    choice = yield from choose_blocker(image, piece, label, synthetic, tried_on, defence)
    if choice is None or choice.heal_rate <= LEAST_HEAL_RATE:
        return None
    if not nature.is_exceeded(choice.heal_rate):
        return None
    freed = yield from _freed(image, label, choice.blocker, choice.answer, defence)
    if freed is None:
        return None
    blocker, answer = freed
    return Healed(blocker, choice.heal_rate, (blocker,), answer)


def _freed(
    image: Image, label: int, blocker: Blocker, answer: Answers, defence: Defence
) -> Search[tuple[Blocker, Answers] | None]:
    """Widen the blocker until *image* leaves *label*; None if it never does.

    A box that was enough for the synthetic images may lack a part of the trigger. The backdrop is
    tried as well: the surroundings may be painted to rebuild it.
    """
    if answer.labels[0] != label:
        return blocker, answer
    plan = defence.plan
    wider = [
        Blocker(blocker.box.grown(margin, plan.width, plan.height), fill)
        for fill in dict.fromkeys((blocker.fill, Fill.REFERENCES))
        for margin in WIDENED
    ]
    images = [block(image, [one], defence.references.backdrop) for one in wider]
    origins = [beside([one.box]) for one in wider]
    answers = yield Probe(np.stack(images), purpose=Purpose.BLOCK, origins=origins)
    for i in np.flatnonzero(answers.labels != label):
        return wider[int(i)], answers[int(i) : int(i) + 1]
    return None


def copies(image: Image, box: Box) -> list[Box]:
    """Return where else *image* shows what it shows in *box*, as it is or mirrored; no probe."""
    height, width, _ = image.shape
    apart = [box]
    for what in _mirrored(image, box):
        for one in matches(image, what, Box(0, 0, width, height)):
            if one.fit >= A_COPY and not any(one.box.overlap(other) for other in apart):
                apart.append(one.box)
    return apart[1 : 1 + COPIES]


def _mirrored(image: Image, box: Box) -> Iterator[Likeness]:
    pixels = image[box.rows, box.columns].astype(np.float32)
    for one in (pixels, pixels[:, ::-1], pixels[::-1], pixels[::-1, ::-1]):
        yield Likeness(np.ascontiguousarray(one), np.ones(one.shape[:2], np.float32))
