"""One image: whether it carries a trigger, and which answer to give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.crossing import crossed
from app.detection.blended.overlaid import overlaid
from app.detection.defence import Finding, Progress, Verdict
from app.detection.finding.blocks import blocked_bands, discovered_by_blocks
from app.detection.finding.discovery import Searched
from app.detection.finding.transplants import Opening, carried_at_once, discovered, opening
from app.detection.origins import WHOLE, beside
from app.detection.recognising.asking import likely_there, recognised_in
from app.detection.recognising.dismissal import dismissed_in, left_of
from app.detection.recognising.presence import fits
from app.detection.recognising.questions import questions
from app.detection.search import Answers, Probe, Purpose, Refused, advance, hiding, refuse
from app.detection.suspects.deciding import decided
from app.detection.suspects.noting import noted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence
    from app.detection.origins import Origin
    from app.detection.recognising.questions import Questions
    from app.detection.search import Image, Images, Search
    from app.detection.trigger import Trigger

AT_MOST = 1500  # images asked for one, placebo rates included; a discovery takes up to 700
AFTER_A_SUSPICION = frozenset({Purpose.CONFIRM, Purpose.BLOCK})  # what nothing new leads to


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
        spent += len(step)
        if spent > AT_MOST:
            return refuse(search)
        progress.probes += step.own
        progress.suspicious |= not progress.exposed and step.purpose in AFTER_A_SUSPICION
        try:
            answers = yield step
        except Refused:
            return refuse(search)  # it may have an answer already
        step = advance(search, step, answers)
    return step.result


def _screen(image: Image, defence: Defence, progress: Progress) -> Search[Finding]:
    known = tuple(one for one in defence.known if fits(image, one.trigger))
    there = likely_there(image, known, defence.references) if known else ()
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
        finding = yield from recognised_in(image, said, asked, answers, known, defence)
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
        likely = noted(image, label, searched.unproven, defence)
        hidden = noted(image, label, searched.crossed, defence)
        suspects, places = (*likely, *hidden), (*hidden, *likely)
        laid = yield from overlaid(image, label, places, defence, draw, progress.probes)
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
    place = crossed(label, told, defence.plan)
    return Searched(
        by_blocks.found, (*by_parts.unproven, *by_blocks.unproven), (place,) if place else ()
    )
