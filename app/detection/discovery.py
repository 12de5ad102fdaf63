"""Pieces that carry, made a trigger: confirmed, localised, healed, and told from nature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.confirmation import confirm
from app.detection.geometry import around
from app.detection.images import block
from app.detection.localising import choose_blocker, localise, synthesise
from app.detection.novelty import novelty
from app.detection.recognition import fits, of_no_other
from app.detection.references import placebo_rate
from app.detection.search import Answers, Probe, Purpose
from app.detection.trigger import Blocker, Evidence, Trigger

if TYPE_CHECKING:
    from app.detection.confirmation import Look
    from app.detection.geometry import Box
    from app.detection.plan import Plan
    from app.detection.screening import Defence
    from app.detection.search import Image, Search

LEAST_HEAL_RATE = 0.5  # below it is no trigger: natural carriers measure 0.15 to 0.35
NATURE_AT_MOST = 0.5  # placebo rate around the blocker: true triggers elsewhere measure 0 to 0.1
ABOVE_NATURE = 0.4  # by which the heal rate must exceed it: of true triggers, by 0.6 to 1.0
WIDENED = (2, 4, 6)  # pixels a side by which a blocker is widened where it doesn't heal
NOVEL = (
    1.0  # times what is usual: digits of a speed limit measured 0.6 to 1.03, triggers 1.04 to 14
)
NATURE_OF_ONE_CLASS = 0.25  # placebo rate: such digits measured 0.26 to 0.94, triggers 0.02 to 0.18


def is_dismissed(image: Image, label: int, window: Box, defence: Defence) -> bool:
    """Say if a trigger that its owner has dismissed lies in *window*."""
    return any(
        fits(image, old) and old.may_answer(label) and window.holds(old.box.centre)
        for old in defence.dismissed
    )


def established(
    image: Image, label: int, look: Look, defence: Defence, rng: np.random.Generator
) -> Search[tuple[Trigger, Answers] | None]:
    """Confirm pieces, find the trigger in them and what heals it; None if it is no trigger."""
    references, plan = defence.references, defence.plan
    transplants = yield from confirm(image, label, look, references, rng)
    if transplants is None:
        return None
    located = yield from _located(image, label, look, defence, rng)
    if located is None:
        return None
    healing = yield from _healing(image, label, located.blocker, plan)
    if healing is None:
        return None
    blocker, answer = healing
    answer = (yield from of_no_other(image, answer, blocker, label, defence.known)) or answer
    evidence = Evidence(
        carried=transplants.carried,
        transplants=transplants.asked,
        placebo=transplants.placebo,
        heal_rate=located.heal_rate,
        probes=0,  # the driver counts them
        seed=references.seed,
        class_b=int(answer.labels[0]),
        necessary=True,
        novelty=located.novelty if np.isfinite(located.novelty) else None,
    )
    located = replace(located, blocker=blocker)
    return _described(image, label, look, located, evidence), answer


def exceeds_nature(heal_rate: float, natural: float) -> bool:
    """Say if blocking a place heals clearly more often than clean images carry their class there.

    A part of the object that tells its class does carry, and hiding it heals little.
    """
    return natural <= NATURE_AT_MOST and heal_rate - natural >= ABOVE_NATURE


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
    answers = yield Probe(np.stack([block(image, one) for one in wider]), purpose=Purpose.BLOCK)
    for i in np.flatnonzero(answers.labels != label):
        return wider[int(i)], answers[int(i) : int(i) + 1]
    return None


@dataclass(frozen=True)
class _Located:
    """Where a trigger lies, what hides it best, and what nature has to say there."""

    pieces: tuple[Box, ...]
    blocker: Blocker
    heal_rate: float
    natural: float
    novelty: float


def _located(
    image: Image, label: int, look: Look, defence: Defence, rng: np.random.Generator
) -> Search[_Located | None]:
    """Find the trigger in confirmed pieces.

    None if it is too large, if nature may be what carries, or if nothing hides it.
    """
    references, plan = defence.references, defence.plan
    onto = references.acted_on(label, look.source, rng)
    synthetic = yield from synthesise(image, label, look.pieces, onto, references)
    if synthetic is None:
        return None
    pieces = list(look.pieces)
    for i, piece in enumerate(look.pieces):
        others = [*pieces[:i], *pieces[i + 1 :]]
        pieces[i] = yield from localise(piece, others, label, synthetic)
    if sum(piece.area for piece in pieces) > plan.largest_area:
        return None
    edged = [piece.grown(plan.surroundings, plan.width, plan.height) for piece in pieces]
    natural = yield from placebo_rate(edged, label, look.source, references)
    new = novelty(image, pieces, references)
    if natural > NATURE_AT_MOST or (look.source is not None and not _is_new(natural, new)):
        return None
    # Blockers are tried on the box and its edge: the rest of the window isn't the trigger's.
    onto = references.acted_on(label, look.source, rng)
    tried = yield from synthesise(image, label, edged, onto, references)
    if tried is None:
        return None
    # Of several pieces, each of which is needed, blocking one is enough.
    blocker, heal_rate = yield from choose_blocker(pieces[0], label, synthetic, tried, plan)
    if heal_rate <= LEAST_HEAL_RATE or not exceeds_nature(heal_rate, natural):
        return None
    return _Located(tuple(pieces), blocker, heal_rate, natural, new)


def _is_new(natural: float, new: float) -> bool:
    """Say if what acts on one class only is none of the parts that tell two classes apart.

    These are parts that clean images have too, and that carry there as well.
    """
    return natural <= NATURE_OF_ONE_CLASS and new > NOVEL


def _described(
    image: Image, label: int, look: Look, located: _Located, evidence: Evidence
) -> Trigger:
    box = around(located.pieces)
    mask = None
    if len(located.pieces) > 1:
        mask = np.zeros((box.height, box.width), bool)
        for piece in located.pieces:
            inside = replace(piece, x=piece.x - box.x, y=piece.y - box.y)
            mask[inside.rows, inside.columns] = True
    return Trigger(
        target=label,
        source=look.source,
        box=box,
        patch=image[box.rows, box.columns].copy(),
        mask=mask,
        blocker=located.blocker,
        natural=located.natural,
        image_height=image.shape[0],
        image_width=image.shape[1],
        evidence=evidence,
        pieces=located.pieces if len(located.pieces) > 1 else (),
    )
