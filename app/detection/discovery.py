"""A window that carries, made a trigger: confirmed, localised, healed, and told from nature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.confirmation import confirm, necessary, undecidable
from app.detection.images import block
from app.detection.localising import choose_blocker, localise, synthesise
from app.detection.recognition import fits, of_no_other
from app.detection.references import placebo_rate
from app.detection.search import Answers, Probe
from app.detection.trigger import Blocker, Evidence, Trigger

if TYPE_CHECKING:
    from app.detection.confirmation import Transplants
    from app.detection.geometry import Box
    from app.detection.plan import Plan
    from app.detection.references import References
    from app.detection.screening import Defence
    from app.detection.search import Image, Search

LEAST_HEAL_RATE = 0.5  # below it is no trigger: natural carriers measure 0.15 to 0.35
NATURE_AT_MOST = 0.5  # placebo rate around the blocker: true triggers elsewhere measure 0 to 0.1
ABOVE_NATURE = 0.4  # by which the heal rate must exceed it: of true triggers, by 0.6 to 1.0
WIDENED = (2, 4, 6)  # pixels a side by which a blocker is widened where it doesn't heal


def established(
    image: Image, label: int, window: Box, defence: Defence, rng: np.random.Generator
) -> Search[tuple[Trigger, Answers] | None]:
    """Confirm a window, find the trigger in it and what heals it; None if it is no trigger."""
    references, plan = defence.references, defence.plan
    wide = window.grown(plan.surroundings, plan.width, plan.height)
    if any(_is_same(old, image, label, wide) for old in defence.dismissed):
        return None
    transplants = yield from _confirmed(image, label, wide, references, rng)
    if transplants is None:
        return None
    located = yield from _located(image, label, wide, defence, rng)
    if located is None:
        return None
    healing = yield from _healing(image, label, located.blocker, plan)
    if healing is None:
        return None
    blocker, answer = healing
    answer = (yield from of_no_other(image, answer, blocker, label, defence.known)) or answer
    around = blocker.box.grown(plan.surroundings, plan.width, plan.height)
    natural = yield from placebo_rate(around, label, references)
    if not exceeds_nature(located.heal_rate, natural):
        return None
    located = replace(located, blocker=blocker)
    return _described(image, label, located, transplants, natural, references.seed), answer


def exceeds_nature(heal_rate: float, natural: float) -> bool:
    """Say if blocking a place heals clearly more often than clean images carry their class there.

    A part of the object that tells its class does carry, and hiding it heals little.
    """
    return natural <= NATURE_AT_MOST and heal_rate - natural >= ABOVE_NATURE


def _is_same(dismissed: Trigger, image: Image, label: int, wide: Box) -> bool:
    same_target = fits(image, dismissed) and dismissed.target == label
    return same_target and wide.holds(dismissed.box.centre)


def _healing(
    image: Image, label: int, blocker: Blocker, plan: Plan
) -> Search[tuple[Blocker, Answers] | None]:
    """Widen *blocker* until *image* leaves *label*; None if it never does.

    A box that was enough for the synthetic images may lack a part of the trigger.
    """
    wider = [
        replace(blocker, box=blocker.box.grown(margin, plan.width, plan.height))
        for margin in (0, *WIDENED)
    ]
    answers = yield Probe(np.stack([block(image, one) for one in wider]))
    for i in np.flatnonzero(answers.labels != label):
        return wider[int(i)], answers[int(i) : int(i) + 1]
    return None


def _confirmed(
    image: Image, label: int, wide: Box, references: References, rng: np.random.Generator
) -> Search[Transplants | None]:
    # What nature carries too often to be told apart is dropped first, where that is known already.
    if undecidable(wide, label, references) or not (yield from necessary(image, label, wide)):
        return None
    return (yield from confirm(image, label, wide, references, rng))


@dataclass(frozen=True)
class _Located:
    """Where a trigger lies, and what hides it best."""

    box: Box
    blocker: Blocker
    heal_rate: float


def _located(
    image: Image, label: int, wide: Box, defence: Defence, rng: np.random.Generator
) -> Search[_Located | None]:
    """Find the trigger in a confirmed window; None if it is too large, or nothing hides it."""
    references, plan = defence.references, defence.plan
    synthetic = yield from synthesise(image, label, wide, references.others(label, rng), references)
    if synthetic is None:
        return None
    box = yield from localise(wide, label, synthetic)
    if box.area > plan.largest_area:
        return None
    # Blockers are tried on the box and its edge: the rest of the window isn't the trigger's.
    edged = box.grown(plan.surroundings, plan.width, plan.height)
    tried = yield from synthesise(image, label, edged, references.others(label, rng), references)
    if tried is None:
        return None
    blocker, heal_rate = yield from choose_blocker(box, label, synthetic, tried, plan)
    return _Located(box, blocker, heal_rate) if heal_rate > LEAST_HEAL_RATE else None


def _described(  # noqa: PLR0913, PLR0917  # all that is known of it comes together here
    image: Image,
    label: int,
    located: _Located,
    transplants: Transplants,
    natural: float,
    seed: int,
) -> Trigger:
    return Trigger(
        target=label,
        source=None,
        box=located.box,
        patch=image[located.box.rows, located.box.columns].copy(),
        mask=None,
        blocker=located.blocker,
        natural=natural,
        image_height=image.shape[0],
        image_width=image.shape[1],
        evidence=Evidence(
            carried=transplants.carried,
            transplants=transplants.asked,
            placebo=transplants.placebo,
            heal_rate=located.heal_rate,
            probes=0,  # the driver counts them
            seed=seed,
        ),
    )
