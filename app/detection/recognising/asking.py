"""Known triggers in an image: which may be there by its pixels, and what the model says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.recognising.presence import at_their_places, is_common
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
    of_pixels,
    unusual_near_home,
    usual_sighting,
)
from app.detection.recognising.strange import about_home, strange
from app.detection.recognising.strewn import strewn
from app.detection.search import Answers, Probe, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence, Finding, Known
    from app.detection.recognising.questions import Questions
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Search

SUSPECTS_ASKED = 3  # known triggers that are asked about together with the image
SOUGHT = 8  # known triggers of one class that are looked for by their pixels
GLIMPSED_SIDE = 128  # pixels of an image's side from which on its inferences are worth the CPU time
GLIMPSED = 4  # known triggers, up to which each is looked for before the image is asked about
SUSPECTS_TOGETHER = 8  # that are asked about in each round after it


def likely_there(image: Image, known: tuple[Known, ...], references: References) -> list[Sighting]:
    """Return where those of *known* are whose pixels are there: they are asked with the image.

    Just where and as they were stored; or, while there are a few to look for, about so: in a small
    image in their own size alone, since a search about them takes more than an inference there.
    """
    at_place = at_their_places(image, known)
    there = [
        one
        for one, is_there in zip(known, at_place, strict=True)
        if is_there and not is_common(one, references)
    ]
    if there or len(known) > GLIMPSED:
        seen = [located(image, one, references) for one in there[:SUSPECTS_ASKED]]
        return _apart(seen, references)
    look = unusual_near_home if min(image.shape[:2]) < GLIMPSED_SIDE else glimpsed
    looked = [look(image, one, references) for one in known]
    return _apart([one for one in looked if one is not None][:SUSPECTS_ASKED], references)


def _apart(seen: list[Sighting], references: References) -> list[Sighting]:
    """Leave out what lies on something else of the same target that fits there better.

    A trigger that was found twice would be asked about twice; what is left out still is afterwards.
    """
    if len(seen) == 1:
        return seen  # what is usual of it needn't be measured
    apart: list[Sighting] = []
    for one in sorted(seen, key=lambda one: (of_pixels(one, references), one.fit), reverse=True):
        target, place = one.known.trigger.target, one.places[0]
        if not any(
            target == other.known.trigger.target and place.overlap(other.places[0]) > 0
            for other in apart
        ):
            apart.append(one)
    return apart


def recognised_in(  # noqa: PLR0913, PLR0917  # what was asked with the image, and what is left
    image: Image,
    said: Answers,
    asked: Sequence[Questions],
    answers: Answers,
    known: Sequence[Known],
    defence: Defence,
) -> Search[Finding | None]:
    """Conclude from the *answers* to what was *asked* with the image; then ask about others.

    Where these may lie in copies, halves or otherwise comes last: most images that carry one show
    it once. None if it carries none of *known*.
    """
    references, label = defence.references, int(said.labels[0])
    finding = yield from _one_of(image, said, asked, answers[1 : len(answers)], defence)
    if finding is not None:
        return finding
    with_image = {one.sighting.known for one in asked}
    others = [one for one in known if one not in with_image]
    suspects = _suspected(image, label, others, references)
    later = yield from _possible(image, label, suspects, references)
    finding = yield from _asked_about(image, said, later, defence)
    if finding is not None:
        return finding
    strewn_in = _strewn_in(image, label, known, references)
    finding = yield from _asked_about(image, said, strewn_in, defence)
    if finding is not None:
        return finding
    return (yield from _hidden_widely(image, said, known, defence))


def _asked_about(
    image: Image, said: Answers, sightings: Sequence[Sighting], defence: Defence
) -> Search[Finding | None]:
    """Ask about *sightings*, some together; return what they come to."""
    for start in range(0, len(sightings), SUSPECTS_TOGETHER):
        some = [
            questions(image, one, defence.references, defence.plan)
            for one in sightings[start : start + SUSPECTS_TOGETHER]
        ]
        images = np.concatenate([one.images for one in some])
        origins = [origin for one in some for origin in one.origins]
        told = yield Probe(images, purpose=Purpose.RECOGNISE, origins=origins)
        finding = yield from _one_of(image, said, some, told, defence)
        if finding is not None:
            return finding
    return None


def _hidden_widely(
    image: Image, said: Answers, known: Sequence[Known], defence: Defence
) -> Search[Finding | None]:
    """Hide all that lies about the usual places of *known*; ask about those the image needs.

    Hardly any clean image of the class does, so that most end there.
    """
    references, label = defence.references, int(said.labels[0])
    possible = [one for one in known if one.trigger.may_answer(label)][:SOUGHT]
    seen = [about_home(image, one, references) for one in possible]
    about = sorted((one for one in seen if one is not None), key=lambda one: -(one.new or 0.0))
    about = about[:SUSPECTS_ASKED]
    if not about:
        return None
    hidden = [jointly_blocked(image, [one], references.backdrop) for one in about]
    origins = [origin for one in about for origin in jointly_beside([one])]
    told = yield Probe(np.concatenate(hidden), purpose=Purpose.RECOGNISE, origins=origins)
    needed = (told.labels != label).reshape(-1, BLOCKED).all(axis=1)
    those = [one for one, is_needed in zip(about, needed, strict=True) if is_needed]
    return (yield from _asked_about(image, said, those, defence))


def _one_of(
    image: Image, said: Answers, asked: Sequence[Questions], answers: Answers, defence: Defence
) -> Search[Finding | None]:
    for one in asked:
        finding = yield from recognised(image, said, one, answers, defence)
        if finding is not None:
            return finding
        answers = answers[len(one.images) : len(answers)]
    return None


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
    So has a box, mostly where images differ as much as photographs do.
    """
    trigger, source = one.trigger, one.trigger.source
    if trigger.mask is None:
        is_box = trigger.outline is None
        is_small = min(references.images.shape[1:3]) < GLIMPSED_SIDE
        if is_box and not is_small:
            return -np.inf
        if source is None:
            return 0.0 if is_box else -np.inf
    usually = usual_sighting(one, references).fit
    return usually.mean + (0.0 if source is None or trigger.mask is None else usually.spread)


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
