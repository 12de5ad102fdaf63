"""Known triggers against one image (`docs/detection.md` 3.9)."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import log_likelihood_ratio
from app.detection.images import block, transplant_pieces
from app.detection.recognising.presence import Presence, fits, presence
from app.detection.search import Answers, Probe, Purpose
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.plan import Plan
    from app.detection.recognising.presence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search
    from app.detection.trigger import Trigger

WIDER = 2  # pixels a side that the second blocker is wider
BLOCKED = 2  # blocked images that are asked
JOINT_AREA = 0.25  # of the image, that may be hidden by the blockers of several triggers together
ROWS_OF_GROUPS = 3  # strips of the image that groups of triggers are collected in
TRANSPLANTS = 3
MORE_TRANSPLANTS = 8
CARRIED = 0.6  # share of the transplants that must answer the target, where its pixels are there
SURE = math.log(100)

OTHER_FILL = {
    Fill.DOMINANT: Fill.INPAINT,
    Fill.RING: Fill.INPAINT,
    Fill.INPAINT: Fill.RING,
}
"""The fill of the second blocker, by that of the first."""


@dataclass(frozen=True, eq=False)
class Questions:
    """What is asked of an image about one known trigger: blocked twice, and transplanted.

    The second blocker is ``wide`` and has another fill: one fill may look like the attacker's
    class. ``pieces`` are transplanted. Where the trigger acts on some classes only the transplants
    wait for the class that blocking reveals.
    """

    known: Known
    wide: Box
    pieces: tuple[Box, ...]
    images: Images


def grouped(image: Image, known: Sequence[Known]) -> list[list[Known]]:
    """Put *known* in groups whose blockers together hide no more than a part of the image.

    Where more is hidden an image loses its class by that alone, and nothing is ruled out. So
    neighbours, which hide the same pixels, are in one group.
    """
    height, width, _ = image.shape
    groups: list[list[Known]] = []
    hidden = np.ones((height, width), bool)
    for box, one in sorted(
        ((_wide(one.trigger, height, width), one) for one in known),
        key=lambda pair: (ROWS_OF_GROUPS * pair[0].y // height, pair[0].x),
    ):
        hidden[box.rows, box.columns] = True
        if hidden.mean() > JOINT_AREA:
            groups.append([])
            hidden[...] = False
            hidden[box.rows, box.columns] = True
        groups[-1].append(one)
    return groups


def jointly_blocked(image: Image, known: Sequence[Known]) -> Images:
    """Return *image* with all of *known* blocked, in the two ways in which each alone would be."""
    height, width, _ = image.shape
    narrow = wide = image
    for trigger in (one.trigger for one in known):
        narrow = block(narrow, trigger.blocker)
        wide = block(wide, _second_blocker(trigger, height, width))
    return np.stack([narrow, wide])


def _second_blocker(trigger: Trigger, height: int, width: int) -> Blocker:
    """Return the other blocker that is asked: wider, and of another fill."""
    return Blocker(_wide(trigger, height, width), OTHER_FILL[trigger.blocker.fill])


def _wide(trigger: Trigger, height: int, width: int) -> Box:
    return trigger.blocker.box.grown(WIDER, width, height)


def questions(image: Image, known: Known, references: References, plan: Plan) -> Questions:
    """Prepare the probes that tell if *image* carries the trigger: at most five."""
    trigger = known.trigger
    second = _second_blocker(trigger, plan.height, plan.width)
    blocked = [block(image, trigger.blocker), block(image, second)]
    # What `natural` was measured on.
    pieces = tuple(plan.edged(piece) for piece in trigger.pieces or (trigger.box,))
    asked = Questions(known, second.box, pieces, np.stack(blocked))
    if trigger.source is not None:
        return asked
    pasted = transplants(image, asked, references, None)
    return replace(asked, images=np.concatenate([asked.images, pasted]))


def transplants(
    image: Image,
    asked: Questions,
    references: References,
    source: int | None,
    *,
    more: bool = False,
) -> Images:
    """Return the trigger on a few ordinary references that it acts on; *more* of them if asked.

    Not on robust ones, which are hard to turn for a trigger too. More is for where the first few
    didn't carry it.
    """
    trigger = asked.known.trigger
    question = f"{trigger.target}:{trigger.box}"
    rng = np.random.default_rng([references.seed, zlib.crc32(question.encode())])
    onto = references.acted_on(trigger.target, source, rng)
    part = slice(TRANSPLANTS, TRANSPLANTS + MORE_TRANSPLANTS) if more else slice(TRANSPLANTS)
    return transplant_pieces(image, asked.pieces, references.images[onto[part]])


def carried(hits: NDArray[np.bool_], image: Image, trigger: Trigger) -> bool:
    """Say if enough of the transplants (n,) answer the image's label.

    Where the trigger's pixels are there a few misses are the references' own. Where they don't tell
    a clean image of the target class must not pass: hits must be a hundred times more likely than
    by nature.
    """
    if not len(hits):
        return False
    if presence(image, trigger) is Presence.THERE:
        return bool(hits.mean() >= CARRIED)
    return log_likelihood_ratio(int(hits.sum()), len(hits), trigger.natural) >= SURE


def last_resort(image: Image, asked: Questions, label: int) -> Search[Answers | None]:
    """Return the best answer for an image that surely carries the trigger, but isn't healed yet.

    Every fill is tried, over three boxes: before three hits a part of the trigger may lie outside
    its box. Where all of them look like the attacker's class it is the class that scores next to
    it; None where there are no scores.
    """
    height, width, _ = image.shape
    widest = asked.wide.grown(WIDER + WIDER, width, height)
    boxes = (asked.known.trigger.blocker.box, asked.wide, widest)
    blocked = [block(image, Blocker(covered, fill)) for covered in boxes for fill in Fill]
    answers = yield Probe(np.stack(blocked), purpose=Purpose.BLOCK)
    other = other_answer(answers, label)
    if other is not None or answers.scores is None:
        return other
    scores = answers.scores[:1].copy()
    scores[0, label] = -np.inf
    return Answers(scores.argmax(axis=1), answers.scores[:1])


def other_answer(answers: Answers, label: int) -> Answers | None:
    """Return the first answer that isn't *label*."""
    for i in np.flatnonzero(answers.labels != label):
        return answers[int(i) : int(i) + 1]
    return None


def of_no_other(
    image: Image, answer: Answers, blocker: Blocker, label: int, known: Sequence[Known]
) -> Search[Answers | None]:
    """Return *answer*, or another one if a second known trigger in the image has made it.

    None if the image, with all of them blocked, still answers what one of the attackers wants.
    """
    others = [
        one.trigger.blocker
        for one in known
        if one.trigger.source is None
        and one.trigger.target == answer.labels[0] != label
        and fits(image, one.trigger)
        and presence(image, one.trigger) is Presence.THERE
    ]
    if not others:
        return answer
    blocked = block(image, blocker)
    for other in others:
        blocked = block(blocked, other)
    again = yield Probe(blocked[None], purpose=Purpose.BLOCK)
    return None if again.labels[0] in {label, int(answer.labels[0])} else again


def suspected(label: int, known: Sequence[Known], presences: Sequence[Presence]) -> list[Known]:
    """Return the triggers that an image called *label* may carry although its pixels don't say."""
    return [
        one
        for one, there in zip(known, presences, strict=True)
        if there is Presence.UNCLEAR and one.trigger.may_answer(label)
    ]
