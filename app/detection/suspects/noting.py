"""Which of what a search hasn't proven is kept as suspects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.detection.suspect import LONGEST_SIDE, sketched, suspect_in
from app.detection.suspects.resemblance import is_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence
    from app.detection.finding.discovery import Unproven
    from app.detection.search import Image
    from app.detection.suspect import Suspect

NOTED = 2  # of one image
AROUND = 4  # pixels of the copy around what was located, that must differ
COMPARED = 16  # suspects that are kept there
SAME = 0.5  # overlap from which on two are one


def noted(
    image: Image, label: int, unproven: Sequence[Unproven], defence: Defence
) -> tuple[Suspect, ...]:
    """Return what *image*, called *label*, may carry, the likeliest first.

    What consists of several pieces isn't compared with other images; what the same picture has
    shown before is kept already.
    """
    chosen: list[Suspect] = []
    plan, sketch = defence.plan, sketched(image)
    before = [
        one.suspect
        for one in defence.suspects
        if one.suspect.target == label and one.suspect.sketch.shape == sketch.shape
    ]
    margin = AROUND * max(1, -(-max(plan.width, plan.height) // LONGEST_SIDE))
    for one in unproven:
        if len(chosen) == NOTED or len(one.pieces) > 1:
            continue
        (piece,) = one.pieces
        box = piece.grown(margin, plan.width, plan.height) if one.located else piece
        if any(box.overlap(other.box) > SAME for other in chosen):
            continue
        there = [other for other in before if box.overlap(other.box) > SAME][:COMPARED]
        if any(is_again(sketch, other, defence.references) for other in there):
            continue
        inner = piece if one.located else None
        chosen.append(
            suspect_in(image, label, box, source=one.source, inner=inner, terms=one.terms)
        )
    return tuple(chosen)
