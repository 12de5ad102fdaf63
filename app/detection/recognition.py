"""Known triggers against one image (`detection.md` 3.9)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import block, transplant
from app.detection.trigger import Blocker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.geometry import Box
    from app.detection.plan import Plan
    from app.detection.references import References
    from app.detection.search import Answers, Image, Images
    from app.detection.trigger import Trigger

LEVELS = 24  # that a pixel may differ from the stored one: JPEG and resizing move it that far
HALF = 0.5  # of the pixels that must be there
NATURAL = 0.3  # placebo rate from which on the stored pixels are asked for
WIDER = 2  # pixels a side that the second blocker is wider
TRANSPLANTS = 3
CARRIED = 2  # of the transplants that must answer the target


@dataclass(frozen=True, eq=False)
class Known:
    """A trigger of the library, by its name there."""

    id: str
    trigger: Trigger


class Presence(enum.Enum):
    """What an image's pixels say, with no probe, of a known trigger."""

    THERE = enum.auto()
    ABSENT = enum.auto()
    UNCLEAR = enum.auto()


def presence(image: Image, trigger: Trigger) -> Presence:
    """Compare the stored pixels with those of *image*.

    They decide once the mask is known, or where clean images of the target class carry it by nature
    (a box in the middle of the object). Where no pixel is the trigger's alone (a translucent
    sticker) they never do.
    """
    shown = image[trigger.box.rows, trigger.box.columns].astype(np.int16)
    near = np.abs(shown - trigger.patch).max(axis=2) <= LEVELS
    own = near if trigger.mask is None else near[trigger.mask]
    if own.size and own.mean() >= HALF:
        return Presence.THERE
    translucent = trigger.mask is not None and not trigger.mask.any()
    decided = trigger.mask is not None and not translucent
    return Presence.ABSENT if decided or trigger.natural >= NATURAL else Presence.UNCLEAR


@dataclass(frozen=True, eq=False)
class Questions:
    """What is asked of an image about one known trigger: blocked, blocked wider, transplants."""

    known: Known
    images: Images


def questions(image: Image, known: Known, references: References, plan: Plan) -> Questions:
    """Prepare the probes that tell if *image* carries the trigger: at most five."""
    trigger = known.trigger
    wide = trigger.blocker.box.grown(WIDER, plan.width, plan.height)
    scale, window = _nearest_window(wide, plan)
    onto = list(islice(references.robust(scale, window, trigger.target), TRANSPLANTS))
    blocked = [block(image, trigger.blocker), block(image, Blocker(wide, trigger.blocker.fill))]
    carried = transplant(image, [wide] * len(onto), references.images[onto])
    return Questions(known, np.concatenate([np.stack(blocked), carried]))


def healed(asked: Questions, answers: Answers, label: int) -> Answers | None:
    """Return the blocked image's answer if the image, called *label*, carries the trigger.

    Sufficient: most transplants answer the target. Necessary: blocked, the image doesn't.
    """
    if label != asked.known.trigger.target:
        return None
    blocked, carried = answers.labels[:2], answers.labels[2:]
    if (carried == label).sum() < min(CARRIED, len(carried)):
        return None
    for i, other in enumerate(blocked):
        if other != label:
            return answers[i : i + 1]
    return None


def suspected(label: int, known: Sequence[Known], presences: Sequence[Presence]) -> list[Known]:
    """Return the triggers that an image called *label* may carry although its pixels don't say."""
    return [
        one
        for one, there in zip(known, presences, strict=True)
        if there is Presence.UNCLEAR and one.trigger.target == label
    ]


def _nearest_window(box: Box, plan: Plan) -> tuple[str, int]:
    return max(
        ((scale.name, i) for scale in plan.scales for i in range(len(scale.windows))),
        key=lambda at: _window(plan, *at).overlap(box),
    )


def _window(plan: Plan, scale: str, window: int) -> Box:
    return next(one for one in plan.scales if one.name == scale).windows[window]
