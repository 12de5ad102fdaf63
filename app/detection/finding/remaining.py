"""Whether an image that keeps its label without the trigger keeps it of itself.

What hides a trigger continues what is around it, and who knows that paints a frame in its colours:
then the image is called the same without it, though it isn't of that class
(`docs/detection.md` 3.7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import ABOVE_PLACEBO, AT_MOST
from app.detection.images import block, transplant_pieces
from app.detection.origins import beside, within
from app.detection.search import Probe, Purpose
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from app.detection.defence import Defence
    from app.detection.evidence.confirmation import Look
    from app.detection.evidence.nature import Nature
    from app.detection.search import Answers, Image, Search

CONTINUING = (Fill.RING, Fill.INPAINT)  # fills that are made of what is around a box
FARTHER = (1 / 12, 1 / 6, 1 / 4)  # of the side, by which it is hidden where the rest is enough


def freed_of_the_rest(  # noqa: PLR0913, PLR0917  # the image, and all that was found of it
    image: Image,
    label: int,
    blockers: tuple[Blocker, ...],
    found: Look,
    margins: tuple[int, ...],
    nature: Nature,
    defence: Defence,
    rng: np.random.Generator,
) -> Search[tuple[tuple[Blocker, ...], Answers] | None]:
    """Hide more of an image that kept *label* with *blockers*: return these, and its answer.

    None if the label is its own. More is hidden where the place of what was *found*, filled from
    its surroundings, still turns other images: a clean image of the class does so no more often
    than *nature* says. It is hidden by what references show, which no caller controls, wider by
    *margins* (pixels), then by shares of the side. What keeps its label even so has it from
    elsewhere.
    """
    if nature.over_general:  # nature's rate says nothing there
        return None
    plan, backdrop = defence.plan, defence.references.backdrop
    first, *others = blockers
    over = found.pieces[0].grown(1, plan.width, plan.height)
    around = plan.edged(over)
    onto = defence.references.acted_on(label, found.source, rng)[:AT_MOST]
    if not len(onto):
        return None
    blocked = [block(image, [Blocker(over, fill), *others], backdrop) for fill in CONTINUING]
    pasted = [transplant_pieces(one, (around,), defence.references.images[onto]) for one in blocked]
    origin = within((around,)).without([over, *(one.box for one in others)])
    origins = [origin] * (len(CONTINUING) * len(onto))
    answers = yield Probe(np.concatenate(pasted), purpose=Purpose.CONFIRM, origins=origins)
    carried = (answers.labels == label).reshape(len(CONTINUING), -1).mean(axis=1)
    if carried.max() <= nature.rate + ABOVE_PLACEBO:
        return None
    shares = (round(share * min(plan.width, plan.height)) for share in FARTHER)
    wider = [
        Blocker(first.box.grown(margin, plan.width, plan.height), Fill.REFERENCES)
        for margin in sorted({*margins, *shares})
    ]
    images = [block(image, [one, *others], backdrop) for one in wider]
    hidden = [beside([one.box, *(other.box for other in others)]) for one in wider]
    answers = yield Probe(np.stack(images), purpose=Purpose.BLOCK, origins=hidden)
    for i in np.flatnonzero(answers.labels != label):
        return (wider[int(i)], *others), answers[int(i) : int(i) + 1]
    return None
