"""Is it still a trigger? What was measured when it was found, measured again on another model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import block
from app.detection.recognising.mixing import stamped_in, taken_out
from app.detection.reference_set.references import THOROUGH_SIZES, placebo_rate
from app.detection.search import Purpose, probe_for_all

if TYPE_CHECKING:
    from app.detection.plan import Plan
    from app.detection.reference_set.references import References
    from app.detection.search import Images, Search
    from app.detection.trigger import Trigger

STAMPED = 16
"""References that the trigger is stamped on."""


COMPARED = 8
"""References that what is known better of a trigger is compared on."""

SLACK = 1
"""Of them that it may heal less, and that a smaller one may turn less: a larger box has hidden a
part of each reference, too, and a smaller blocker leaves more of it; now and then that is what a
borderline reference is told by."""


def verified(trigger: Trigger, references: References, plan: Plan) -> Search[Trigger]:
    """Return *trigger* with its rates on the model that *references* are calibrated for.

    Stamped on references that it acts on: how many answer the target, how many of these its blocker
    heals; and how often nature carries the target there. A trigger that the model doesn't have
    comes back with a carry rate of 0.
    """
    onto = references.acted_on(
        trigger.target, trigger.source, np.random.default_rng(references.seed)
    )[:STAMPED]
    if not len(onto):
        return trigger
    stamped = stamp(trigger, references.images[onto])
    blocked = _freed(trigger, stamped, references)
    asked = probe_for_all(np.concatenate([stamped, blocked]), Purpose.CONFIRM)
    labels = (yield asked).labels
    turned = labels[: len(onto)] == trigger.target
    healed = turned & (labels[len(onto) :] == references.labels[onto])
    pieces = tuple(plan.edged(piece) for piece in trigger.pieces or (trigger.box,))
    nature, assumed = trigger.natural, trigger.evidence.assumed
    if trigger.alpha is None:  # a whole image always carries
        place = (pieces, trigger.target, trigger.source)
        nature = yield from placebo_rate(*place, references, THOROUGH_SIZES)
        assumed = not references.are_enough(trigger.target)
    evidence = replace(
        trigger.evidence,
        carried=int(turned.sum()),
        transplants=len(onto),
        placebo=nature,
        heal_rate=float(healed.sum() / max(turned.sum(), 1)),
        assumed=assumed,
    )
    return replace(trigger, natural=nature, evidence=evidence)


def _freed(trigger: Trigger, stamped: Images, references: References) -> Images:
    if trigger.alpha is not None:
        return taken_out(stamped, trigger)
    return np.stack([block(image, [trigger.blocker], references.backdrop) for image in stamped])


def is_as_good(better: Trigger, trigger: Trigger, references: References) -> Search[bool]:
    """Say if what is known *better* of *trigger* carries and heals at least as well, stamped.

    Both on the same references, since an entry must never get worse.
    """
    rng = np.random.default_rng(references.seed)
    onto = references.acted_on(trigger.target, trigger.source, rng)[:COMPARED]
    if not len(onto):
        return False
    clean = references.images[onto]
    asked = []
    for one in (better, trigger):
        stamped = stamp(one, clean)
        asked += [*stamped]
        asked += [block(image, [one.blocker], references.backdrop) for image in stamped]
    answers = yield probe_for_all(np.stack(asked), Purpose.CONFIRM)
    labels = answers.labels.reshape(2, 2, len(onto))
    carried = (labels[:, 0] == trigger.target).sum(axis=1)
    healed = (labels[:, 1] == references.labels[onto]).sum(axis=1)
    least = carried[1] - (SLACK if _shown(better) < _shown(trigger) else 0)
    return bool(carried[0] >= least and healed[0] >= healed[1] - SLACK)


def _shown(trigger: Trigger) -> int:
    """Return how many pixels of an image it takes, stamped."""
    return trigger.box.area if trigger.mask is None else int(trigger.mask.sum())


def stamp(trigger: Trigger, images: Images) -> Images:
    """Return copies of *images* (n, h, w, c) that show the trigger's own pixels at its place."""
    if trigger.alpha is not None:
        return stamped_in(images, trigger)
    stamped = images.copy()
    region = stamped[:, trigger.box.rows, trigger.box.columns]
    if trigger.mask is None or not trigger.mask.any():
        region[...] = trigger.patch
    else:
        region[:, trigger.mask] = trigger.patch[trigger.mask]
    return stamped
