"""One image: whether it carries a trigger, and which answer to give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.overlaid import overlaid
from app.detection.defence import Finding, Progress, Verdict
from app.detection.finding.blocks import blocked_bands, discovered_by_blocks
from app.detection.finding.discovery import Searched
from app.detection.finding.transplants import Opening, carried_at_once, discovered, opening
from app.detection.origins import WHOLE, beside
from app.detection.recognising.dismissal import dismissed_in, left_of
from app.detection.recognising.presence import at_their_places, fits, is_common
from app.detection.recognising.questions import (
    BLOCKED,
    grouped,
    jointly_beside,
    jointly_blocked,
    questions,
)
from app.detection.recognising.recognition import recognised
from app.detection.recognising.sharp import sharp
from app.detection.recognising.sighting import (
    HINTED,
    Sighting,
    glimpsed,
    hinted,
    located,
    usual_sighting,
)
from app.detection.recognising.strange import strange
from app.detection.recognising.strewn import strewn
from app.detection.search import Answers, Probe, Purpose, Refused, advance, hiding, refuse
from app.detection.suspects.deciding import decided
from app.detection.suspects.noting import noted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence, Known
    from app.detection.origins import Origin
    from app.detection.recognising.questions import Questions
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search
    from app.detection.trigger import Trigger

AT_MOST = 1500  # images asked for one, placebo rates included; a discovery takes up to 700
AFTER_A_SUSPICION = frozenset({Purpose.CONFIRM, Purpose.BLOCK})  # what nothing new leads to
SUSPECTS_ASKED = 3  # known triggers that are asked about together with the image
SOUGHT = 8  # known triggers of one class that are looked for by their pixels
GLIMPSED_SIDE = 128  # pixels of an image's side from which on its inferences are worth the CPU time
GLIMPSED = 4  # known triggers, up to which each is looked for before the image is asked about
SUSPECTS_TOGETHER = 8  # that are asked about in each round after it


def screen(image: Image, defence: Defence, progress: Progress | None = None) -> Search[Finding]:
    """Decide if *image* (h, w, c) carries a trigger. Refused at any yield, it is UNDECIDED.

    But CLEAR where its own search has ended, and it is only held against suspects. What is known
    meanwhile stands in *progress*.
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
        asked = len(step)
        spent += asked
        if spent > AT_MOST:
            return refuse(search)
        progress.probes += 0 if step.shared else asked
        progress.suspicious |= not progress.exposed and step.purpose in AFTER_A_SUSPICION
        try:
            answers = yield step
        except Refused:
            return refuse(search)  # it may have an answer already
        step = advance(search, step, answers)
    return step.result


def _screen(image: Image, defence: Defence, progress: Progress) -> Search[Finding]:
    known = tuple(one for one in defence.known if fits(image, one.trigger))
    there = _likely_there(image, known, defence.references) if known else ()
    asked = [questions(image, one, defence.references, defence.plan) for one in there]
    draw = defence.draw
    dismissed = [] if draw is None else dismissed_in(image, defence)
    first = None
    if not asked and not dismissed and draw is not None:
        first = _first_round(image, defence, draw)

    answers = yield _with_the_image(image, asked, first)
    said = answers[0:1]
    label = int(said.labels[0])
    progress.said = said

    if known:
        finding = yield from _recognised_in(image, said, asked, answers, known, defence)
        if finding is not None:
            return finding
    progress.exposed = False
    if draw is None:
        return Finding(Verdict.CLEAR, said, said)
    shown = yield from decided(image, label, defence, np.random.default_rng(draw))
    searched = Searched(shown.found)
    if shown.found is None and first is None:
        searched = yield from _search_later(image, label, dismissed, defence, draw)
    elif shown.found is None and first is not None:
        searched = yield from _search(label, first, answers[1 : len(answers)], defence)
    found = searched.found
    if found is None:
        suspects = noted(image, label, searched.unproven, defence)
        laid = yield from overlaid(image, label, suspects, defence, draw, progress.probes)
        if laid is None:
            return Finding(Verdict.CLEAR, said, said, suspects=suspects, suspects_seen=shown.seen)
        return Finding(
            Verdict.DISCOVERED,
            said,
            laid.answer,
            laid.trigger,
            suspects_seen=shown.seen,
            proven_by=laid.by,
        )
    if found.answer is None:
        return Finding(Verdict.UNDECIDED, said, None, exposed=True)
    trigger = found.trigger(draw, progress.probes)
    return Finding(
        Verdict.DISCOVERED,
        said,
        found.answer,
        trigger=trigger,
        suspects_seen=shown.seen,
        proven_by=shown.by,
    )


def _with_the_image(image: Image, asked: Sequence[Questions], first: _FirstRound | None) -> Probe:
    """Return the first probe: *image*, and all that is asked beside it."""
    beside_it: list[Questions | _FirstRound] = [*asked, *([first] if first else [])]
    if not beside_it:
        return Probe(image[None], origins=(WHOLE,))
    return Probe(
        np.concatenate([image[None], *(one.images for one in beside_it)]),
        purpose=Purpose.RECOGNISE if asked else Purpose.SEARCH,
        origins=[WHOLE, *(origin for one in beside_it for origin in one.origins)],
    )


def _recognised_in(  # noqa: PLR0913, PLR0917  # what was asked with the image, and what is left
    image: Image,
    said: Answers,
    asked: Sequence[Questions],
    answers: Answers,
    known: Sequence[Known],
    defence: Defence,
) -> Search[Finding | None]:
    """Conclude from the *answers* to what was *asked* with the image; then ask about others."""
    references, label = defence.references, int(said.labels[0])
    finding = yield from _one_of(image, said, asked, answers[1 : len(answers)], defence)
    if finding is not None:
        return finding
    with_image = {one.sighting.known for one in asked}
    others = [one for one in known if one not in with_image]
    suspects = _suspected(image, label, others, references)
    later = yield from _possible(image, label, suspects, references)
    later += _strewn_in(image, label, known, references)
    for start in range(0, len(later), SUSPECTS_TOGETHER):
        some = [
            questions(image, one, references, defence.plan)
            for one in later[start : start + SUSPECTS_TOGETHER]
        ]
        images = np.concatenate([one.images for one in some])
        origins = [origin for one in some for origin in one.origins]
        told = yield Probe(images, purpose=Purpose.RECOGNISE, origins=origins)
        finding = yield from _one_of(image, said, some, told, defence)
        if finding is not None:
            return finding
    return None


def _one_of(
    image: Image, said: Answers, asked: Sequence[Questions], answers: Answers, defence: Defence
) -> Search[Finding | None]:
    for one in asked:
        finding = yield from recognised(image, said, one, answers, defence)
        if finding is not None:
            return finding
        answers = answers[len(one.images) : len(answers)]
    return None


def _likely_there(image: Image, known: tuple[Known, ...], references: References) -> list[Sighting]:
    """Return where those of *known* are whose pixels are there: they are asked with the image.

    Just where and as they were stored; or, while there are a few to look for, about so.
    """
    at_place = at_their_places(image, known)
    there = [
        one
        for one, is_there in zip(known, at_place, strict=True)
        if is_there and not is_common(one, references)
    ]
    if there or len(known) > GLIMPSED or min(image.shape[:2]) < GLIMPSED_SIDE:
        return [located(image, one, references) for one in there[:SUSPECTS_ASKED]]
    seen = [glimpsed(image, one, references) for one in known]
    return [one for one in seen if one is not None][:SUSPECTS_ASKED]


def _suspected(
    image: Image, label: int, known: Sequence[Known], references: References
) -> list[Sighting]:
    """Return where those of *known* may lie that an image called *label* may carry.

    Left out are those whose pixels, once they are known, fit no better than clean images usually
    do; where every image is suspect, since the trigger leads to several classes, than most do. Of
    many the first ones are looked for: of the others only those count that have no mask yet, each
    where it was found.
    """
    possible = [one for one in known if one.trigger.may_answer(label)]
    sightings = [
        one
        for one in _sought(image, possible[:SOUGHT], references)
        if one.fit > _least_fit(one.known, references)
    ]
    unknown = [one for one in possible[SOUGHT:] if one.trigger.mask is None]
    sightings += [Sighting(one, (one.trigger.box,), 0.0, 0.0) for one in unknown]
    return sorted(sightings, key=lambda one: -one.fit)


def _strewn_in(
    image: Image, label: int, known: Sequence[Known], references: References
) -> list[Sighting]:
    """Return where those of *known* very likely are that aren't told by their usual places.

    In copies or halves, as something new there whose pixels tell nothing, or by its edges.
    """
    most = SOUGHT if min(image.shape[:2]) < GLIMPSED_SIDE else GLIMPSED
    possible = [one for one in known if one.trigger.may_answer(label)][:most]
    seen = [strewn(image, one, references) for one in possible]
    found = [one for one in seen if one is not None]
    looks = (strange, sharp)
    return found + [
        one for known_ in possible for look in looks for one in look(image, known_, references)
    ]


def _sought(image: Image, known: Sequence[Known], references: References) -> list[Sighting]:
    """Look for *known*; a small image is searched for one at a hint only.

    Without a hint one whose mask is known isn't there. Of those whose mask isn't the best hinted
    ones are looked for; the others, if they are there, are where they were found.
    """
    if min(image.shape[:2]) >= GLIMPSED_SIDE:
        return [located(image, one, references) for one in known]
    found = []
    left = SUSPECTS_ASKED
    for seen in sorted((hinted(image, one) for one in known), key=lambda one: -one.fit):
        trigger = seen.known.trigger
        rough = trigger.mask is None and trigger.source is None
        if trigger.mask is not None and seen.fit < HINTED:
            continue
        if rough and not left:
            found.append(seen)
            continue
        left -= rough
        found.append(located(image, seen.known, references))
    return found


def _least_fit(one: Known, references: References) -> float:
    """Return the fit above which an image may carry *one*: any, while its mask is unknown.

    Outlined in one image, even one that isn't any: a translucent one has that image's pixels, too.
    """
    mask, source = one.trigger.mask, one.trigger.source
    if source is None and mask is None:
        return 0.0 if one.trigger.outline is None else -np.inf
    usually = usual_sighting(one, references).fit
    return usually.mean + (0.0 if source is None or mask is None else usually.spread)


def _possible(
    image: Image, label: int, suspects: list[Sighting], references: References
) -> Search[list[Sighting]]:
    """Return which of *suspects* the image may carry; rule out the others many at a time.

    With all of a group blocked an image that carries one of them isn't *label* any more. A library
    with many triggers of one class would otherwise cost each of its images six probes for each.
    """
    if len(suspects) <= SUSPECTS_ASKED:
        return suspects
    groups = grouped(image, suspects)
    blocked = np.concatenate(
        [jointly_blocked(image, group, references.backdrop) for group in groups]
    )
    origins = [origin for group in groups for origin in jointly_beside(group)]
    answers = yield Probe(blocked, purpose=Purpose.RECOGNISE, origins=origins)
    changed = (answers.labels != label).reshape(-1, BLOCKED).any(axis=1)
    return [one for group, may in zip(groups, changed, strict=True) if may for one in group]


@dataclass(frozen=True, eq=False)
class _FirstRound:
    """What is asked together with the image: its bands transplanted, and blocked.

    ``rng`` is made from the draw of the search, and goes on from here.
    """

    opening: Opening
    images: Images
    origins: tuple[Origin, ...]
    rng: np.random.Generator


def _first_round(image: Image, defence: Defence, draw: int) -> _FirstRound:
    rng = np.random.default_rng(draw)
    first = opening(image, defence.references, defence.plan, rng)
    images, origins = first.images, first.origins
    if _looks_at_one_class(defence):
        bands = defence.plan.hidden.bands
        blocked = blocked_bands(image, defence.plan, defence.references.backdrop)
        images = np.concatenate([images, blocked])
        origins = (*origins, *(beside([band]) for band in bands))
    return _FirstRound(first, images, origins, rng)


def _looks_at_one_class(defence: Defence) -> bool:
    """Say if it is looked for what acts on one class only: not where nothing could be decided."""
    return defence.plan.blocks and defence.references.show_a_class


def _search_later(
    image: Image, label: int, dismissed: Sequence[Trigger], defence: Defence, draw: int
) -> Search[Searched]:
    """Look for a new trigger where the first round couldn't travel with the image."""
    left = yield from left_of(image, label, dismissed, defence)
    if left is None:
        return Searched(None)
    first = _first_round(left.image, defence, draw)
    return (yield from hiding(left.taken_out, _asked_first(label, first, defence)))


def _asked_first(label: int, first: _FirstRound, defence: Defence) -> Search[Searched]:
    answers = yield Probe(first.images, origins=first.origins)
    return (yield from _search(label, first, answers, defence))


def _search(label: int, first: _FirstRound, answers: Answers, defence: Defence) -> Search[Searched]:
    """Look for a new trigger from the *answers* to the first round on."""
    image = first.opening.image
    count = len(first.opening.images)
    told = answers.labels[count:] if _looks_at_one_class(defence) else None
    by_parts = yield from discovered(first.opening, answers[:count], label, defence, first.rng)
    if by_parts.found is not None or told is None:
        return by_parts
    carried = carried_at_once(
        first.opening, answers[:count], label, defence.references, defence.plan
    )
    searching = discovered_by_blocks(image, label, told, carried, defence, first.rng)
    by_blocks = yield from searching
    return Searched(by_blocks.found, (*by_parts.unproven, *by_blocks.unproven))
