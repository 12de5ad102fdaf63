"""The blocker that heals best, chosen by measurement (`docs/detection.md` 3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import block
from app.detection.origins import WHOLE
from app.detection.search import Probe, Purpose
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.defence import Defence
    from app.detection.finding.synthetic import Synthetic
    from app.detection.geometry import Box
    from app.detection.search import Answers, Image, Search

HEALED_ON, LEAVING_ON = 10, 6  # images that a blocker is tried on
GOOD_HEAL_RATE = 0.9  # no further fill and no further margin is tried
FAIR_HEAL_RATE = 0.7  # the same after two rows, where it frees the image
MARGIN = 112  # part of the image's side that a margin is counted in: as exactly as a box is found
TRIED = (
    ((1, Fill.RING), (1, Fill.INPAINT)),
    ((3, Fill.RING), (3, Fill.INPAINT), (1, Fill.REFERENCES), (1, Fill.DOMINANT)),
    (
        (0, Fill.RING),
        (0, Fill.INPAINT),
        (5, Fill.RING),
        (5, Fill.INPAINT),
        (3, Fill.REFERENCES),
        (2, Fill.DOMINANT),
    ),
)
"""Margins around the box and fills, tried together, one row after the other.

The dominant colour takes fifty times the CPU time; nine triggers of ten need only the first row.
"""


def choose_blocker(  # noqa: PLR0913, PLR0917  # what to hide, and all images that it is tried on
    image: Image, box: Box, label: int, window: Synthetic, edged: Synthetic, defence: Defence
) -> Search[Choice | None]:
    """Return the best blocker over *box*, its heal rate, and what it makes of *image*.

    That rate is measured on *edged*, images with little more than the box pasted on: a window's
    other content would stay and spoil the right answer. Which of them turn is asked here; None if
    too few do. But they may lack a part of the trigger, so the blocker must make the images of the
    whole *window* leave the attacker's class too.
    """
    plan, backdrop = defence.plan, defence.references.backdrop
    unit = max(1, min(plan.width, plan.height) // MARGIN)
    edged, window = edged.only(slice(HEALED_ON)), window.only(slice(LEAVING_ON))
    turned: NDArray[np.bool_] | None = None
    best: Choice | None = None
    for row, some in enumerate(TRIED):
        blockers = [
            Blocker(box.grown(margin * unit, plan.width, plan.height), fill)
            for margin, fill in some
        ]
        images = [image, *edged.poisoned, *window.poisoned]
        shown = [WHOLE, *edged.origins, *window.origins]
        blocked = [block(one, [blocker], backdrop) for blocker in blockers for one in images]
        origins = [one.without([blocker.box]) for blocker in blockers for one in shown]
        if turned is None:
            blocked = [*edged.poisoned, *blocked]
            origins = [*edged.origins, *origins]
        answers = yield Probe(np.stack(blocked), purpose=Purpose.BLOCK, origins=origins)
        if turned is None:
            turned = answers.labels[: len(edged.labels)] == label
            answers = answers[len(edged.labels) : len(answers)]
        if turned.mean() < window.enough:
            return None
        for k, blocker in enumerate(blockers):
            said = answers[k * len(images) : (k + 1) * len(images)]
            choice = _choice(blocker, said, label, edged.labels, turned)
            best = choice if best is None or choice.heal_rate > best.heal_rate else best
        if best is not None and _is_settled(best, label, row):
            break
    return best


def _is_settled(best: Choice, label: int, row: int) -> bool:
    """Say if the *best* up to this *row* is taken: a good one, or after the second a fair one.

    Where a reference resists, or hiding the place hides what tells its class, nothing betters it.
    """
    if best.heal_rate >= GOOD_HEAL_RATE:
        return True
    return row > 0 and best.heal_rate >= FAIR_HEAL_RATE and best.answer.labels[0] != label


@dataclass(frozen=True, eq=False)
class Choice:
    """A blocker, the accuracy to expect of its answers, and the one that it gives the image.

    ``turned`` is the share of images that little more than the box had turned.
    """

    blocker: Blocker
    heal_rate: float
    answer: Answers
    turned: float


def _choice(
    blocker: Blocker,
    said: Answers,
    label: int,
    right: NDArray[np.int64],
    turned: NDArray[np.bool_],
) -> Choice:
    """Multiply the share of *right* answers with that of the windows that leave *label*.

    *said* is of the image, of the edged ones, of which those count that *turned*, and of windows.
    """
    healed, left = said.labels[1 : 1 + len(right)], said.labels[1 + len(right) :]
    rate = float((healed == right)[turned].mean() * (left != label).mean())
    return Choice(blocker, rate, said[:1], float(turned.mean()))
