"""Pieces that carry, made a trigger: confirmed, localised, healed, and told from nature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import confirm, is_over_general, undecidable
from app.detection.evidence.novelty import novelty
from app.detection.evidence.weighing import UNNATURAL, of_nature
from app.detection.finding.blocking import choose_blocker
from app.detection.finding.localising import localise
from app.detection.finding.synthetic import pasted, synthesise
from app.detection.geometry import around
from app.detection.images import block
from app.detection.origins import beside
from app.detection.recognising.presence import fits
from app.detection.recognising.recognition import of_no_other
from app.detection.reference_set.references import THOROUGH_SIZES, placebo_rate
from app.detection.search import Answers, Probe, Purpose, together
from app.detection.trigger import Evidence, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Defence
    from app.detection.evidence.confirmation import Look, Transplants
    from app.detection.finding.blocking import Choice
    from app.detection.finding.synthetic import Synthetic
    from app.detection.geometry import Box
    from app.detection.plan import Plan
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Search

LEAST_HEAL_RATE = 0.5  # below it is no trigger: natural carriers measure 0.15 to 0.35
NATURE_AT_MOST = 0.5  # placebo rate around the box: true triggers elsewhere measure 0 to 0.1
ABOVE_NATURE = 0.4  # by which the heal rate must exceed it: of true triggers, by 0.6 to 1.0
OVER_GENERAL = 0.4  # rate of third classes at its box: such backdoors measured 0.4 to 0.85
WIDENED = (2, 4, 6)  # pixels a side by which a blocker is widened where it doesn't heal
NOVEL_FOR_SURE = 1.25  # the same where only third classes speak for it: any bar makes a 1 a 7


def is_dismissed(image: Image, label: int, window: Box, defence: Defence) -> bool:
    """Say if a trigger that its owner has dismissed lies in *window*."""
    return any(
        fits(image, old) and old.may_answer(label) and window.holds(old.box.centre)
        for old in defence.dismissed
    )


@dataclass(frozen=True, eq=False)
class Discovery:
    """What was found in *image*, which the model calls ``label``, and what speaks for it.

    ``healed`` is the answer once the trigger is hidden, ``answer`` the same as one that may be
    given: None if a known trigger in the image has made it, since it is an attacker's too.
    """

    image: Image
    label: int
    source: int | None
    transplants: Transplants
    located: _Located
    healed: Answers
    answer: Answers | None

    def trigger(self, draw: int, probes: int) -> Trigger:
        """Return the trigger; it was found by this *draw* and has cost so many *probes*."""
        pieces, (height, width, _) = self.located.pieces, self.image.shape
        box = around(pieces)
        return Trigger(
            target=self.label,
            source=self.source,
            box=box,
            patch=self.image[box.rows, box.columns].copy(),
            mask=_mask(pieces, box) if len(pieces) > 1 else None,
            blocker=self.located.choice.blocker,
            natural=self.located.natural,
            image_height=height,
            image_width=width,
            evidence=self._evidence(draw, probes),
            pieces=pieces if len(pieces) > 1 else (),
        )

    def _evidence(self, draw: int, probes: int) -> Evidence:
        novelty = self.located.novelty
        return Evidence(
            carried=self.transplants.carried,
            transplants=self.transplants.asked,
            placebo=self.transplants.placebo,
            heal_rate=self.located.choice.heal_rate,
            probes=probes,
            seed=draw,
            class_b=int((self.answer or self.healed).labels[0]),
            necessary=True,
            novelty=novelty if np.isfinite(novelty) else None,
        )


def _mask(pieces: Sequence[Box], box: Box) -> NDArray[np.bool_]:
    mask = np.zeros((box.height, box.width), bool)
    for piece in pieces:
        inside = replace(piece, x=piece.x - box.x, y=piece.y - box.y)
        mask[inside.rows, inside.columns] = True
    return mask


def established(
    image: Image, label: int, look: Look, defence: Defence, rng: np.random.Generator
) -> Search[Discovery | None]:
    """Confirm pieces, find the trigger in them and what heals it; None if it is no trigger."""
    references, plan = defence.references, defence.plan
    yield from placebo_rate(look.pieces, label, look.source, references)
    if undecidable(image, label, look, references):
        return None
    windows = _windows(look, plan)
    confirming = confirm(image, label, look, references, rng)
    onto = references.acted_on(label, look.source, rng)
    synthesising = synthesise(image, label, windows, onto, references)
    if look.carried == look.asked > 0:  # it most likely is one: that saves a round trip
        transplants, synthetic = yield from together([confirming, synthesising])
    else:
        transplants = yield from confirming
        synthetic = None if transplants is None else (yield from synthesising)
    if transplants is None or synthetic is None:
        return None
    located = yield from _located(
        image, label, replace(look, pieces=windows), synthetic, defence, rng
    )
    if located is None:
        return None
    choice = yield from _healing(image, label, located.choice, plan)
    if choice is None:
        return None
    blocker, healed = choice.blocker, choice.answer
    answer = yield from of_no_other(image, healed, [blocker], label, defence.known)
    located = replace(located, choice=choice)
    return Discovery(image, label, look.source, transplants, located, healed, answer)


def _windows(look: Look, plan: Plan) -> tuple[Box, ...]:
    """Return where to look for the trigger: the cell that was asked may lack a part of it."""
    if len(look.pieces) > 1:
        return look.pieces
    return (look.pieces[0].grown(plan.margin // 2, plan.width, plan.height),)


def _healing(image: Image, label: int, choice: Choice, plan: Plan) -> Search[Choice | None]:
    """Widen the blocker until *image* leaves *label*; None if it never does.

    A box that was enough for the synthetic images may lack a part of the trigger.
    """
    if choice.answer.labels[0] != label:
        return choice
    blocker = choice.blocker
    wider = [
        replace(blocker, box=blocker.box.grown(margin, plan.width, plan.height))
        for margin in WIDENED
    ]
    blocked = np.stack([block(image, one) for one in wider])
    origins = [beside([one.box]) for one in wider]
    answers = yield Probe(blocked, purpose=Purpose.BLOCK, origins=origins)
    for i in np.flatnonzero(answers.labels != label):
        return replace(choice, blocker=wider[int(i)], answer=answers[int(i) : int(i) + 1])
    return None


@dataclass(frozen=True)
class _Located:
    """Where a trigger lies, what hides it best, and what nature has to say there."""

    pieces: tuple[Box, ...]
    choice: Choice
    natural: float
    novelty: float


def _located(  # noqa: PLR0913, PLR0917  # what was confirmed, and on what
    image: Image,
    label: int,
    look: Look,
    synthetic: Synthetic,
    defence: Defence,
    rng: np.random.Generator,
) -> Search[_Located | None]:
    """Find the trigger in confirmed pieces, from images that these have turned.

    None if it is too large, if nature may be what carries, or if nothing hides it.
    """
    references, plan = defence.references, defence.plan
    pieces = yield from localise(look.pieces, label, synthetic)
    if sum(piece.area for piece in pieces) > plan.largest_area:
        return None
    # Blockers are tried on the box and its edge: the rest of the window isn't the trigger's.
    edged = [plan.edged(piece) for piece in pieces]
    nature = yield from _nature(image, label, replace(look, pieces=pieces), edged, references)
    if not nature.excluded:
        return None
    tried = pasted(image, edged, references.acted_on(label, look.source, rng), references)
    # Of several pieces, each of which is needed, blocking one is enough.
    choice = yield from choose_blocker(image, pieces[0], label, synthetic, tried, plan)
    if choice is None:
        return None
    if choice.heal_rate <= LEAST_HEAL_RATE or not nature.is_exceeded(choice.heal_rate):
        return None
    return _Located(pieces, choice, nature.rate, nature.novelty)


@dataclass(frozen=True)
class _Nature:
    """What clean images say of a place: at which ``rate`` they carry, and how new the image is.

    ``over_general``: most content opens the place, so that the rate tells nothing.
    """

    rate: float
    novelty: float
    one_class: bool
    over_general: bool

    @property
    def excluded(self) -> bool:
        """Say if nature can't be what carries; for one class by how new the part is as well.

        The parts that tell two classes apart are such that clean images have too, and carry.
        """
        if self.over_general:
            return True
        if self.one_class:
            return of_nature(self.rate, self.novelty) >= UNNATURAL
        return self.rate <= NATURE_AT_MOST

    def is_exceeded(self, heal_rate: float) -> bool:
        """Say if blocking heals clearly more often than clean images carry their class there.

        A part of the object that tells its class does carry, and hiding it heals little.
        """
        return self.over_general or heal_rate - self.rate >= ABOVE_NATURE


def _nature(
    image: Image, label: int, found: Look, edged: Sequence[Box], references: References
) -> Search[_Nature]:
    rate = yield from placebo_rate(edged, label, found.source, references, THOROUGH_SIZES)
    new = novelty(image, found.pieces, references)
    nature = _Nature(rate, new, found.source is not None, over_general=False)
    if nature.excluded or new <= NOVEL_FOR_SURE:
        return nature
    general = yield from is_over_general(image, label, found, references, OVER_GENERAL)
    return replace(nature, over_general=general)
