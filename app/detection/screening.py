"""One image: whether it carries a trigger, and which answer to give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.defence import Finding, Progress, Verdict
from app.detection.evidence.novelty import novelty
from app.detection.finding.blocks import blocked_bands, discovered_by_blocks
from app.detection.finding.discovery import NATURE_AT_MOST, NATURE_OF_ONE_CLASS, NOVEL
from app.detection.finding.transplants import Opening, discovered, opening
from app.detection.recognising.presence import Presence, fits, presences, unmistakable
from app.detection.recognising.recognition import (
    BLOCKED,
    carried,
    grouped,
    jointly_blocked,
    last_resort,
    of_no_other,
    other_answer,
    questions,
    suspected,
    transplants,
)
from app.detection.reference_set.references import placebo_rate
from app.detection.search import Answers, Probe, Purpose, Refused, advance
from app.detection.trigger import Blocker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.defence import Defence
    from app.detection.finding.discovery import Discovery
    from app.detection.recognising.presence import Known
    from app.detection.recognising.recognition import Questions
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search

AT_MOST = 1500  # images asked for one, placebo rates included; a discovery takes up to 700
AFTER_A_SUSPICION = frozenset({Purpose.CONFIRM, Purpose.BLOCK})  # what nothing new leads to
SUSPECTS_ASKED = 3  # known triggers that are asked about together with the image
SUSPECTS_TOGETHER = 8  # that are asked about in each round after it


def screen(image: Image, defence: Defence, progress: Progress | None = None) -> Search[Finding]:
    """Decide if *image* (h, w, c) carries a trigger. Refused at any yield, it is UNDECIDED.

    What is known meanwhile stands in *progress*.
    """
    progress = progress or Progress()
    progress.exposed = True  # by these triggers, whatever was known of others
    try:
        return (yield from _bounded(_screen(image, defence, progress), progress))
    except Refused:
        return progress.undecided


def _bounded(search: Search[Finding], progress: Progress) -> Search[Finding]:
    """Refuse *search* what would be more than one image may cost, whoever made the image."""
    spent, step = 0, advance(search)
    while isinstance(step, Probe):
        spent += len(step)
        if spent > AT_MOST:
            raise Refused
        progress.probes += 0 if step.shared else len(step)
        progress.suspicious |= not progress.exposed and step.purpose in AFTER_A_SUSPICION
        answers = yield step
        step = advance(search, step, answers)
    return step.result


def _screen(image: Image, defence: Defence, progress: Progress) -> Search[Finding]:
    references, plan = defence.references, defence.plan
    known = tuple(one for one in defence.known if fits(image, one.trigger))
    shown = presences(image, known)
    there = [one for one, there in zip(known, shown, strict=True) if there is Presence.THERE]
    asked = [questions(image, one, references, plan) for one in there[:SUSPECTS_ASKED]]
    draw = defence.draw
    first = None if asked or draw is None else _first_round(image, defence, draw)

    extra = [one.images for one in asked] + ([first.images] if first else [])
    purpose = Purpose.RECOGNISE if asked else Purpose.SEARCH
    answers = yield Probe(np.concatenate([image[None], *extra]), purpose=purpose)
    said, rest = answers[0:1], answers[1 : len(answers)]
    label = int(said.labels[0])
    progress.said = said

    for one in asked:
        finding = yield from _recognised(image, said, one, rest, defence)
        if finding is not None:
            return finding
        rest = rest[len(one.images) : len(rest)]
    possible = yield from _possible(image, label, suspected(label, known, shown))
    later = [*there[SUSPECTS_ASKED:], *possible]
    for start in range(0, len(later), SUSPECTS_TOGETHER):
        some = [
            questions(image, one, references, plan)
            for one in later[start : start + SUSPECTS_TOGETHER]
        ]
        images = np.concatenate([one.images for one in some])
        told = yield Probe(images, purpose=Purpose.RECOGNISE)
        for one in some:
            finding = yield from _recognised(image, said, one, told, defence)
            if finding is not None:
                return finding
            told = told[len(one.images) : len(told)]
    progress.exposed = False
    if draw is None:
        return Finding(Verdict.CLEAR, said, said)
    if first is None:
        first = _first_round(image, defence, draw)
        rest = yield Probe(first.images)
    found = yield from _search(image, label, first, rest, defence)
    if found is None:
        return Finding(Verdict.CLEAR, said, said)
    if found.answer is None:
        return Finding(Verdict.UNDECIDED, said, None, exposed=True)
    trigger = found.trigger(draw, progress.probes)
    return Finding(Verdict.DISCOVERED, said, found.answer, trigger=trigger)


def _possible(image: Image, label: int, suspects: list[Known]) -> Search[list[Known]]:
    """Return which of *suspects* the image may carry; rule out the others many at a time.

    With all of a group blocked an image that carries one of them isn't *label* any more. A library
    with many triggers of one class would otherwise cost each of its images five probes for each.
    """
    if len(suspects) <= SUSPECTS_ASKED:
        return suspects
    groups = grouped(image, suspects)
    blocked = np.concatenate([jointly_blocked(image, group) for group in groups])
    answers = yield Probe(blocked, purpose=Purpose.RECOGNISE)
    changed = (answers.labels != label).reshape(-1, BLOCKED).any(axis=1)
    return [one for group, may in zip(groups, changed, strict=True) if may for one in group]


def _recognised(
    image: Image, said: Answers, asked: Questions, answers: Answers, defence: Defence
) -> Search[Finding | None]:
    """Conclude from the answers about one known trigger; None if the image doesn't carry it.

    Necessary: blocked, the image isn't the target any more. Sufficient: transplants are.
    """
    label, known = int(said.labels[0]), asked.known
    answer = other_answer(answers[:BLOCKED], label)
    if not known.trigger.may_answer(label):
        return None
    if answer is None and not unmistakable(image, known.trigger):
        return None
    if not (yield from _is_carried(image, label, asked, answer, answers, defence.references)):
        return None
    if answer is None:
        answer = yield from last_resort(image, asked, label)
    if answer is not None:
        blocker = Blocker(asked.wide, known.trigger.blocker.fill)
        answer = yield from of_no_other(image, answer, blocker, label, defence.known)
    if answer is None:
        return Finding(Verdict.UNDECIDED, said, None, known=known, exposed=True)
    return Finding(Verdict.KNOWN, said, answer, known=known)


def _is_carried(  # noqa: PLR0913, PLR0917  # the answers so far, and what more takes
    image: Image,
    label: int,
    asked: Questions,
    answer: Answers | None,
    answers: Answers,
    references: References,
) -> Search[bool]:
    """Say if transplants of the trigger carry *label*, and more often than nature does there.

    Onto the class that blocking revealed; a second trigger may hide that, so then onto the one that
    the trigger was found on.
    """
    source = asked.known.trigger.source
    if source is None:
        hits = answers.labels[BLOCKED : len(asked.images)] == label
        return (yield from _is_carried_onto(image, label, asked, None, hits, references))
    if (
        novelty(image, asked.known.trigger.pieces or (asked.known.trigger.box,), references)
        <= NOVEL
    ):
        return False  # half of its pixels are there, but clean images show the like
    revealed = source if answer is None else int(answer.labels[0])
    for onto in dict.fromkeys((revealed, source)):
        hits = yield from _hits(label, transplants(image, asked, references, onto))
        if (yield from _is_carried_onto(image, label, asked, onto, hits, references)):
            return True
    return False


def _is_carried_onto(  # noqa: PLR0913, PLR0917  # as above
    image: Image,
    label: int,
    asked: Questions,
    source: int | None,
    hits: NDArray[np.bool_],
    references: References,
) -> Search[bool]:
    trigger = asked.known.trigger
    if not carried(hits, image, trigger):
        images = transplants(image, asked, references, source, more=True)
        hits = np.append(hits, (yield from _hits(label, images)))
        if not carried(hits, image, trigger):
            return False
    natural = yield from placebo_rate(asked.pieces, label, source, references)
    at_most = NATURE_AT_MOST if source is None else NATURE_OF_ONE_CLASS
    return natural <= max(trigger.natural, at_most)


def _hits(label: int, images: Images) -> Search[NDArray[np.bool_]]:
    if not len(images):
        return np.zeros(0, bool)
    answers = yield Probe(images, purpose=Purpose.RECOGNISE)
    hits: NDArray[np.bool_] = answers.labels == label
    return hits


@dataclass(frozen=True, eq=False)
class _FirstRound:
    """What is asked together with the image: its bands transplanted, and blocked.

    ``rng`` is made from the draw of the search, and goes on from here.
    """

    opening: Opening
    images: Images
    rng: np.random.Generator


def _first_round(image: Image, defence: Defence, draw: int) -> _FirstRound:
    rng = np.random.default_rng(draw)
    first = opening(image, defence.references, defence.plan, rng)
    images = first.images
    if _looks_at_one_class(defence):
        images = np.concatenate([images, blocked_bands(image, defence.plan)])
    return _FirstRound(first, images, rng)


def _looks_at_one_class(defence: Defence) -> bool:
    """Say if it is looked for what acts on one class only: not where nothing could be decided."""
    return defence.plan.blocks and defence.references.show_a_class


def _search(
    image: Image, label: int, first: _FirstRound, answers: Answers, defence: Defence
) -> Search[Discovery | None]:
    """Look for a new trigger from the *answers* to the first round on."""
    count = len(first.opening.images)
    changed = answers.labels[count:] != label if _looks_at_one_class(defence) else None
    found = yield from discovered(
        first.opening, answers[:count], label, defence, first.rng, changed
    )
    if found is None and changed is not None:
        found = yield from discovered_by_blocks(image, label, changed, defence, first.rng)
    return found
