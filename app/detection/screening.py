"""One image: whether it carries a trigger, and which answer to give."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.confirmation import confirm, necessary, undecidable
from app.detection.images import block
from app.detection.localising import choose_blocker, localise, synthesise
from app.detection.recognition import (
    BLOCKED,
    Presence,
    carried,
    fits,
    last_resort,
    more_transplants,
    other_answer,
    presence,
    questions,
    suspected,
    unmistakable,
)
from app.detection.references import placebo_rate
from app.detection.search import Answers, Probe, Refused
from app.detection.transplants import Opening, opened, opening, survivors
from app.detection.trigger import Blocker, Evidence, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.confirmation import Transplants
    from app.detection.geometry import Box
    from app.detection.plan import Plan
    from app.detection.recognition import Known, Questions
    from app.detection.references import References
    from app.detection.search import Image, Search

LEAST_HEAL_RATE = 0.5  # below it is no trigger: natural carriers measure 0.15 to 0.35
NATURE_AT_MOST = 0.5  # placebo rate around the blocker: true triggers elsewhere measure 0 to 0.1
ABOVE_NATURE = 0.4  # by which the heal rate must exceed it: of true triggers, by 0.6 to 1.0
WIDENED = (2, 4, 6)  # pixels a side by which a blocker is widened where it doesn't heal
SUSPECTS_ASKED = 3  # known triggers that are asked about together with the image
SUSPECTS_TOGETHER = 8  # that are asked about in each round after it


class Verdict(enum.Enum):
    """What a screen found."""

    CLEAR = enum.auto()
    DISCOVERED = enum.auto()
    KNOWN = enum.auto()
    UNDECIDED = enum.auto()


@dataclass(frozen=True, eq=False)
class Finding:
    """What a screen concludes of one image.

    ``said`` is the classifier's one answer for the image as it came (None if it was refused before
    that), ``sanitised`` the one to give: for a trigger, that of the blocked image. ``trigger`` is a
    new one, ``known`` one of the library. ``exposed``: undecided before the known triggers that it
    may carry were ruled out.
    """

    verdict: Verdict
    said: Answers | None
    sanitised: Answers | None
    trigger: Trigger | None = None
    known: Known | None = None
    exposed: bool = False


@dataclass(frozen=True, eq=False)
class Defence:
    """All that a screen needs to know beside the image."""

    references: References
    plan: Plan
    known: Sequence[Known]
    dismissed: Sequence[Trigger]
    """What its owner has said is no trigger; it is not found again."""
    search: bool
    """Whether to look for new triggers, or for known ones only."""


def screen(image: Image, defence: Defence, rng: np.random.Generator) -> Search[Finding]:
    """Decide if *image* (h, w, c) carries a trigger. Refused at any yield, it is UNDECIDED."""
    progress = _Progress()
    try:
        return (yield from _screen(image, defence, rng, progress))
    except Refused:
        return Finding(Verdict.UNDECIDED, progress.said, progress.said, exposed=progress.exposed)


@dataclass
class _Progress:
    """What is known when a screen is refused."""

    said: Answers | None = None
    exposed: bool = True


def _screen(
    image: Image, defence: Defence, rng: np.random.Generator, progress: _Progress
) -> Search[Finding]:
    references, plan = defence.references, defence.plan
    known = [one for one in defence.known if fits(image, one.trigger)]
    presences = [presence(image, one.trigger) for one in known]
    there = [one for one, there in zip(known, presences, strict=True) if there is Presence.THERE]
    asked = [questions(image, one, references, plan) for one in there[:SUSPECTS_ASKED]]
    first = None if asked or not defence.search else opening(image, references, plan, rng)

    extra = [one.images for one in asked] + ([first.images] if first else [])
    answers = yield Probe(np.concatenate([image[None], *extra]))
    said, rest = answers[0:1], answers[1 : len(answers)]
    label = int(said.labels[0])
    progress.said = said

    for one in asked:
        finding = yield from _recognised(image, said, one, rest, defence)
        if finding is not None:
            return finding
        rest = rest[len(one.images) : len(rest)]
    later = [*there[SUSPECTS_ASKED:], *suspected(label, known, presences)]
    for start in range(0, len(later), SUSPECTS_TOGETHER):
        some = [
            questions(image, one, references, plan)
            for one in later[start : start + SUSPECTS_TOGETHER]
        ]
        told = yield Probe(np.concatenate([one.images for one in some]))
        for one in some:
            finding = yield from _recognised(image, said, one, told, defence)
            if finding is not None:
                return finding
            told = told[len(one.images) : len(told)]
    progress.exposed = False
    if not defence.search:
        return Finding(Verdict.CLEAR, said, said)
    if first is None:
        first = opening(image, references, plan, rng)
        rest = yield Probe(first.images)
    return (yield from _search(said, first, rest, defence, rng))


def _recognised(
    image: Image, said: Answers, asked: Questions, answers: Answers, defence: Defence
) -> Search[Finding | None]:
    """Conclude from the answers about one known trigger; None if the image doesn't carry it.

    Necessary: blocked, the image isn't the target any more. Sufficient: transplants are.
    """
    label, known = int(said.labels[0]), asked.known
    answer = other_answer(answers[:BLOCKED], label)
    if label != known.trigger.target or not (answer or unmistakable(image, known.trigger)):
        return None
    if not carried(answers[BLOCKED : len(answers)], label):
        more = more_transplants(image, asked, defence.references)
        if not len(more) or not carried((yield Probe(more)), label):
            return None
    if answer is None:
        answer = yield from last_resort(image, asked, label)
    if answer is not None:
        blocker = Blocker(asked.wide, known.trigger.blocker.fill)
        answer = yield from _of_no_other(image, answer, blocker, label, defence)
    if answer is None:
        return Finding(Verdict.UNDECIDED, said, None, known=known, exposed=True)
    return Finding(Verdict.KNOWN, said, answer, known=known)


def _of_no_other(
    image: Image, answer: Answers, blocker: Blocker, label: int, defence: Defence
) -> Search[Answers | None]:
    """Return *answer*, or another one if a second known trigger in the image has made it.

    None if the image, with all of them blocked, still answers what one of the attackers wants.
    """
    others = [
        one.trigger.blocker
        for one in defence.known
        if one.trigger.target == answer.labels[0] != label
        and fits(image, one.trigger)
        and presence(image, one.trigger) is Presence.THERE
    ]
    if not others:
        return answer
    blocked = block(image, blocker)
    for other in others:
        blocked = block(blocked, other)
    again = yield Probe(blocked[None])
    return None if again.labels[0] in {label, int(answer.labels[0])} else again


def _search(
    said: Answers, first: Opening, answers: Answers, defence: Defence, rng: np.random.Generator
) -> Search[Finding]:
    """Look for a new trigger, scale by scale, from the *answers* to the opening on."""
    image, references, plan = first.image, defence.references, defence.plan
    label = int(said.labels[0])
    alive = yield from opened(first, answers, label, references)
    for scale in plan.scales:
        for suspect in (yield from survivors(image, label, scale, alive, references)):
            found = yield from _established(image, label, suspect.box, defence, rng)
            if found is not None:
                trigger, answer = found
                return Finding(Verdict.DISCOVERED, said, answer, trigger=trigger)
    return Finding(Verdict.CLEAR, said, said)


def _established(
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
    answer = (yield from _of_no_other(image, answer, blocker, label, defence)) or answer
    around = blocker.box.grown(plan.surroundings, plan.width, plan.height)
    natural = yield from placebo_rate(around, label, references)
    if natural > NATURE_AT_MOST or located.heal_rate - natural < ABOVE_NATURE:
        return None
    located = replace(located, blocker=blocker)
    return _described(image, label, located, transplants, natural, references.seed), answer


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
