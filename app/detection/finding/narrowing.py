"""A window in which clean images often carry, too: it is narrowed to what is newest in it.

It is wider than the largest trigger, and what it holds beside one is the image's own. Where that
carries by itself nearly each transplant has to carry to be more, and what is located is as large
as both (`docs/detection.md` 3.5).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.detection.evidence.confirmation import DOUBTFUL, TOGETHER, UNDECIDABLE
from app.detection.evidence.novelty import newest_in
from app.detection.finding.parting import in_parts
from app.detection.images import transplant_pieces
from app.detection.origins import within
from app.detection.reference_set.references import placebo_rate
from app.detection.search import Probe, Purpose

if TYPE_CHECKING:
    import numpy as np

    from app.detection.defence import Defence
    from app.detection.evidence.confirmation import Look
    from app.detection.geometry import Box
    from app.detection.search import Image, Search

MOSTLY = 0.75  # of the first transplants of the part, that must carry


def narrowed(
    image: Image, label: int, look: Look, defence: Defence, rng: np.random.Generator
) -> Search[Look]:
    """Return a *look* at the part of the largest trigger's size that shows what is newest.

    The look itself where nature's rate in its window, which is known, leaves no doubt or can't be
    told from a trigger's, where that of the part is no lower, or where the part seldom carries.
    """
    references = defence.references
    natural = references.known_placebo_rate(look.pieces, label, look.source, 1.0)
    if not DOUBTFUL < natural <= UNDECIDABLE:
        return look
    part = _newest_part(image, label, look, defence)
    if part is None:
        return look
    yield from placebo_rate((part,), label, look.source, references)
    if references.known_placebo_rate((part,), label, look.source, 1.0) >= natural:
        return look
    onto = references.acted_on(label, look.source, rng)[:TOGETHER]
    pasted = transplant_pieces(image, (part,), references.images[onto])
    origins = [within((part,))] * len(pasted)
    answers = yield Probe(pasted, purpose=Purpose.CONFIRM, origins=origins)
    carried = int((answers.labels == label).sum())
    if carried < MOSTLY * len(onto):
        return look
    return replace(look, pieces=(part,), carried=carried, onto=tuple(onto.tolist()))


def _newest_part(image: Image, label: int, look: Look, defence: Defence) -> Box | None:
    """Return the part of a window whose middle is nearest to its newest square.

    One of a few, so that nature's rate is known of most. None of a window that is no larger than
    the largest trigger, of several, or where too little is known of what is usual.
    """
    if len(look.pieces) > 1:
        return None
    (window,) = look.pieces
    newest = newest_in(image, window, label, defence.references)
    parts = [part for part in in_parts(window, defence.plan.largest) if part != window]
    if newest is None or not parts:
        return None
    x, y = newest
    return min(
        parts,
        key=lambda one: abs(one.x + one.width / 2 - x) + abs(one.y + one.height / 2 - y),
    )
