"""Whether an image carries a known trigger, by one sum of evidence (`docs/detection.md` 3.9)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.defence import Finding, Verdict
from app.detection.evidence.needing import AT_MOST, natural_need, of_need
from app.detection.evidence.telling import at_the_rate, at_worst
from app.detection.evidence.weighing import SURE, of_blocking, of_carrying, total
from app.detection.geometry import Box
from app.detection.images import block
from app.detection.matching import match_at
from app.detection.origins import beside, within
from app.detection.recognising.presence import fits
from app.detection.recognising.questions import (
    BLOCKED,
    WIDER,
    jointly_blocked,
    more_asked,
    narrow,
    placed,
    transplants,
    wide,
)
from app.detection.recognising.sighting import (
    LIKELY,
    VERY_LIKELY,
    is_elsewhere,
    nearest_asked,
    of_pixels,
    of_pixels_at_home,
    of_pixels_at_most,
    sighted,
)
from app.detection.reference_set.references import placebo_rate
from app.detection.search import Answers, Probe, Purpose
from app.detection.trigger import Blocker, Fill, Sign, Term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Defence
    from app.detection.recognising.questions import Questions
    from app.detection.recognising.sighting import Sighting
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search

COVERS = 2  # references whose own content hides a trigger in the last resort
MOST_OTHERS = 8  # known triggers that a second one is looked for among
SHARPER = "clean images show its pixels nowhere with edges so sharp"
AT_WORST = 0.4
"""The placebo rate that is taken where none was measured yet: what is sure with it needs none.
Above it nothing is confirmed as a new trigger (`confirmation`)."""


def recognised(
    image: Image, said: Answers, asked: Questions, answers: Answers, defence: Defence
) -> Search[Finding | None]:
    """Conclude from the answers about one known trigger; None if the image doesn't carry it.

    What its pixels say, whether it is necessary (blocked, the image isn't the target any more) and
    whether it is sufficient (transplants are) are weighed together.
    """
    label, known = int(said.labels[0]), asked.sighting.known
    if not known.trigger.may_answer(label):
        return None
    kept = answers.labels[:BLOCKED] == label
    answer = other_answer(answers[:BLOCKED], label)
    if asked.sighting.sharp is not None and kept.all():
        return None  # sharp enough, a stroke turns others as the trigger does
    seen = asked.sighting
    terms = yield from _terms(image, label, asked, answer, answers, defence)
    if terms is None:
        return None
    if answer is None:
        answer = yield from last_resort(image, asked, label, defence.references)
    if answer is not None:
        blockers = wide(asked.sighting)
        answer = yield from of_no_other(image, answer, blockers, label, defence)
    if answer is None:
        return Finding(Verdict.UNDECIDED, said, None, known=known, exposed=True)
    place = _seen_whole(image, seen)
    return Finding(Verdict.KNOWN, said, answer, known=known, place=place, terms=terms)


def _terms(  # noqa: PLR0913, PLR0917  # the answers, and what the first other one is
    image: Image,
    label: int,
    asked: Questions,
    answer: Answers | None,
    answers: Answers,
    defence: Defence,
) -> Search[tuple[Term, ...] | None]:
    """Return what makes it sure that the image carries the trigger; None if nothing does."""
    seen, source = asked.sighting, asked.trigger.source
    kept = answers.labels[:BLOCKED] == label
    hiding, terms = _of_hiding(kept), None
    # Not surely needed, it must carry as well as it is known to; but of copies others may be left.
    if kept.any() and seen.sharp is None and len(seen.carrying) == len(seen.places):
        asked = replace(asked, sighting=replace(seen, altered=False))
    elif source is None:
        hits = answers.labels[BLOCKED : len(asked.images)] == label
        terms = _weakened(image, asked, hits, hiding, defence)
    if terms is None:
        terms = yield from _carried(image, label, asked, answer, answers, kept, defence)
    if terms is None and (answers.labels[:BLOCKED] == source).all():
        terms = _weakened(image, asked, np.zeros(0, bool), hiding, defence)
    return terms


def _seen_whole(image: Image, seen: Sighting) -> Box | None:
    """Return the place if the image shows the trigger once and whole: that teaches what it is.

    Of copies, halves, and what was told by something else than its pixels, an attacker could teach
    that it moves, or what it isn't.
    """
    if seen.otherwise is not None:
        return None
    if seen.usually is None or seen.places == (seen.known.trigger.box,):
        return seen.places[0]
    fits_at = [match_at(image, seen.known.core, place).fit for place in seen.places]
    whole = [place for place, fit in zip(seen.places, fits_at, strict=True) if fit >= LIKELY]
    return whole[0] if whole == [*seen.places[:1]] else None


def _of_hiding(kept: NDArray[np.bool_]) -> Term:
    lost = len(kept) - int(kept.sum())
    seen = f"hidden in {len(kept)} ways the image loses its class in {lost}"
    return Term(Sign.BLOCKING, of_blocking(kept), seen)


def _carried(  # noqa: PLR0913, PLR0917  # the answers so far, and what more takes
    image: Image,
    label: int,
    asked: Questions,
    answer: Answers | None,
    answers: Answers,
    kept: NDArray[np.bool_],
    defence: Defence,
) -> Search[tuple[Term, ...] | None]:
    """Return the terms if transplants, pixels, and which ways of hiding it *kept* make it sure.

    Where it acts on one class only: onto the class that blocking revealed; a second trigger may
    hide that, so then onto the one that it was found on. What little is left of another may turn
    but the revealed class, too.
    """
    source = asked.trigger.source
    if source is None:
        hits = answers.labels[BLOCKED : len(asked.images)] == label
        terms = yield from _sure(image, label, asked, None, hits, kept, defence)
        if terms is not None or asked.sighting.new is None:
            return terms
    revealed = source if answer is None else int(answer.labels[0])
    # Not onto the label itself, which carries whatever is pasted.
    for onto in dict.fromkeys(one for one in (revealed, source) if one not in {None, label}):
        pasted = transplants(image, asked, defence.references, onto)
        hits = yield from _hits(label, asked, pasted)
        terms = yield from _sure(image, label, asked, onto, hits, kept, defence)
        if terms is not None:
            return terms
    return None


def _sure(  # noqa: PLR0913, PLR0917  # as above
    image: Image,
    label: int,
    asked: Questions,
    onto: int | None,
    hits: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    defence: Defence,
) -> Search[tuple[Term, ...] | None]:
    """Weigh *hits* and pixels, and the hits of more transplants if these could make it sure."""
    references, trigger, seen = defence.references, asked.trigger, asked.sighting
    hiding = _of_hiding(kept)
    # What isn't told by its pixels must turn others: hiding that may take any image's class.
    is_told = seen.otherwise is None or seen.is_wide
    is_needed = not kept.any() and len(seen.places) == 1 and is_told
    hiding_at_most = AT_MOST if is_needed else hiding.weight
    if not _may_become_sure(hits, hiding_at_most + of_pixels_at_most(seen), 0.0, asked):
        return None
    pixels = Term(Sign.PIXELS, of_pixels(seen, references), _told_of_pixels(seen))
    weight = hiding.weight + pixels.weight
    at_most = hiding_at_most + pixels.weight
    if not _may_become_sure(hits, at_most, 0.0, asked):
        return None
    boxes = _asked_of_nature(seen)
    elsewhere = boxes != [*(trigger.pieces or (trigger.box,))]
    place = [defence.plan.edged(one) for one in boxes]
    placebo = references.known_placebo_rate(place, label, onto, AT_WORST)
    asked_for = references.is_known(place, label, onto)
    does = at_the_rate(placebo, label, references) if asked_for else at_worst(placebo)
    carrying = _of_hits(hits, placebo, does, altered=seen.altered)
    # An altered one carries as seldom as nature at worst: nothing is sure without the rate then.
    if elsewhere or seen.altered or weight + carrying.weight < SURE:
        placebo = yield from placebo_rate(place, label, onto, references)
        does = at_the_rate(placebo, label, references)
        carrying = _of_hits(hits, placebo, does, altered=seen.altered)
    if weight + carrying.weight < SURE or _turns_none(seen, carrying):
        if not _may_become_sure(hits, at_most, placebo, asked):
            return None
        pasted = transplants(image, asked, references, onto, more=True)
        more = yield from _hits(label, asked, pasted)
        carrying = _of_hits(np.concatenate([hits, more]), placebo, does, altered=seen.altered)
    if _turns_none(seen, carrying):
        return None
    if is_needed and weight + carrying.weight < SURE <= at_most + carrying.weight:
        hiding = yield from _of_measured_hiding(label, asked, hiding, references)
    terms = (carrying, hiding, pixels)
    return terms if total(terms) >= SURE else None


def _turns_none(seen: Sighting, carrying: Term) -> bool:
    """Say if all that lies about its place turns no more others than nature does.

    Then it is nothing, however new: hiding as much takes some clean images' class.
    """
    return seen.is_wide and carrying.weight <= 0


def _of_measured_hiding(
    label: int, asked: Questions, hiding: Term, references: References
) -> Search[Term]:
    """Return *hiding* weighed by how often clean images of the class can't do without the place."""
    seen = asked.sighting
    place = seen.places[0]
    there = replace(seen, places=(place if seen.is_wide else nearest_asked(asked.trigger, place),))

    def hide(image: Image) -> Images:
        return jointly_blocked(image, [there], references.backdrop)

    rate = yield from natural_need(narrow(there), label, hide, references)
    told = f"{hiding.seen}; clean images of the class do at the rate {rate:.2f}"
    return Term(Sign.BLOCKING, of_need(rate), told)


def _asked_of_nature(seen: Sighting) -> list[Box]:
    """Return where it is asked what clean images carry: about where the trigger is seen to lie.

    One that acts on every class is mostly asked about at its usual place: what was asked there is
    known, and other places show the same. A part that tells two classes apart carries by nature
    just where it is, and so do several parts together, strokes of a digit for copies.
    """
    trigger = seen.known.trigger
    is_whole = len(seen.places) == 1 and seen.fit >= VERY_LIKELY
    if seen.usually is not None and seen.places != (trigger.box,) and not is_whole:
        return [nearest_asked(trigger, place) for place in seen.places]
    if seen.otherwise is not None:
        return [*seen.carrying]
    near = nearest_asked(trigger, seen.places[0])
    if trigger.source is None or near == trigger.box:
        return [*(trigger.pieces or (trigger.box,))]
    return [*placed(trigger, near)]


def _told_of_pixels(seen: Sighting) -> str:
    if seen.is_wide:
        return "clean images show what is as new about there seldom, or nearly"
    if seen.new is not None:
        return "clean images show nothing like it about there"
    if seen.sharp is not None:
        return SHARPER
    return f"they fit the known ones to {seen.fit:.0%}"


def _weakened(
    image: Image, asked: Questions, hits: NDArray[np.bool_], hiding: Term, defence: Defence
) -> tuple[Term, ...] | None:
    """Return the terms if it surely lies where it always does, though too weak to turn others.

    An attacker makes it just opaque or large enough for one image, or a JPEG takes the rest of it.
    One of one class does so where each way of hiding it reveals just that class, whatever the few
    images said that it was transplanted on.
    Its pixels are weighed by what clean images show just there, and whatever nature carries there
    is to speak against it.
    """
    trigger, seen = asked.trigger, asked.sighting
    if seen.sharp is not None:
        return _of_little(hits, hiding, Term(Sign.PIXELS, seen.sharp, SHARPER))
    if trigger.mask is None or seen.new is not None or is_elsewhere(trigger, seen.places[0]):
        return None
    weight = of_pixels_at_home(image, seen.known, defence.references)
    pixels = Term(Sign.PIXELS, weight, "clean images show less of the known ones just there")
    return _of_little(hits, hiding, pixels)


def _of_little(hits: NDArray[np.bool_], hiding: Term, pixels: Term) -> tuple[Term, ...] | None:
    """Return the terms if *hiding* and *pixels* make it sure, though it turns few others."""
    terms: tuple[Term, ...] = (hiding, pixels)
    if len(hits):
        carrying = [
            _of_hits(hits, placebo, at_worst(placebo), altered=True) for placebo in (0.0, AT_WORST)
        ]
        terms = (min(carrying, key=lambda one: one.weight), *terms)
    return terms if total(terms) >= SURE else None


def _of_hits(hits: NDArray[np.bool_], placebo: float, does: str, *, altered: bool) -> Term:
    carried = int(hits.sum())
    seen = f"{carried} of {len(hits)} transplants carried; clean images of the class do {does}"
    return Term(Sign.CARRYING, of_carrying(carried, len(hits), placebo, altered=altered), seen)


def _may_become_sure(
    hits: NDArray[np.bool_], weight: float, placebo: float, asked: Questions
) -> bool:
    carried, transplanted = int(hits.sum()), len(hits)
    more, altered = more_asked(asked), asked.sighting.altered
    at_most = of_carrying(carried + more, transplanted + more, placebo, altered=altered)
    now = of_carrying(carried, transplanted, placebo, altered=altered)
    return weight + max(at_most, now) >= SURE


def _hits(label: int, asked: Questions, pasted: Images) -> Search[NDArray[np.bool_]]:
    if not len(pasted):
        return np.zeros(0, bool)
    origins = [within(asked.pieces)] * len(pasted)
    answers = yield Probe(pasted, purpose=Purpose.RECOGNISE, origins=origins)
    hits: NDArray[np.bool_] = answers.labels == label
    return hits


def last_resort(
    image: Image, asked: Questions, label: int, references: References
) -> Search[Answers | None]:
    """Return the best answer for an image that surely carries the trigger, but isn't healed yet.

    There may be copies of it elsewhere: they are blocked, too. Every fill is tried, the backdrop
    and some references' own content among them, over three sizes of box: before three hits a part
    of the trigger may lie outside its own. Where all of them look like the attacker's class it is
    the class that scores next to it; None where there are no scores.
    """
    height, width, _ = image.shape
    copies = wide(sighted(image, asked.sighting.known, everywhere=True))
    rng = np.random.default_rng(references.seed)
    others = references.images[references.others(label, rng)[:COVERS]]
    ways = [(fill, references.backdrop) for fill in Fill]
    ways += [(Fill.REFERENCES, other) for other in others]
    tried, origins = [], []
    for margin in (-WIDER, 0, 2 * WIDER):
        boxes = [
            _of_other_size(one.box, margin, width, height)
            for one in (*wide(asked.sighting), *copies)
        ]
        tried += [block(image, [Blocker(box, fill) for box in boxes], by) for fill, by in ways]
        origins += [beside(boxes) for _ in ways]
    answers = yield Probe(np.stack(tried), purpose=Purpose.BLOCK, origins=origins)
    other = other_answer(answers, label)
    if other is not None or answers.scores is None:
        return other
    scores = answers.scores[:1].copy()
    scores[0, label] = -np.inf
    return Answers(scores.argmax(axis=1), answers.scores[:1])


def _of_other_size(box: Box, margin: int, width: int, height: int) -> Box:
    if margin >= 0:
        return box.grown(margin, width, height)
    less = min(-margin, (min(box.width, box.height) - 1) // 2)
    return Box(box.x + less, box.y + less, box.width - 2 * less, box.height - 2 * less)


def other_answer(answers: Answers, label: int) -> Answers | None:
    """Return the first answer that isn't *label*."""
    for i in np.flatnonzero(answers.labels != label):
        return answers[int(i) : int(i) + 1]
    return None


def of_no_other(
    image: Image,
    answer: Answers,
    blockers: Sequence[Blocker],
    label: int,
    defence: Defence,
) -> Search[Answers | None]:
    """Return *answer*, or another one if a second known trigger in the image has made it.

    None if the image, with all of them blocked, still answers what one of the attackers wants.
    """
    suspected = [
        one
        for one in defence.known
        if one.trigger.source is None
        and one.trigger.target == answer.labels[0] != label
        and fits(image, one.trigger)
    ]
    seen = [sighted(image, one) for one in suspected[:MOST_OTHERS]]
    others = [blocker for one in seen if one.fit >= LIKELY for blocker in wide(one)]
    if not others:
        return answer
    over = [*blockers, *others]
    both = block(image, over, defence.references.backdrop)
    origin = beside([one.box for one in over])
    again = yield Probe(both[None], purpose=Purpose.BLOCK, origins=[origin])
    return None if again.labels[0] in {label, int(answer.labels[0])} else again
