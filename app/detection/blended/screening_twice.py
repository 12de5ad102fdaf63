"""One image, with a second opinion beside the search: triggers that have no place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.detection.blended.noting import RARE, agreeing, whole_suspect
from app.detection.blended.proving import proven
from app.detection.blended.recognising import recognised_blend, showing
from app.detection.defence import Finding, Verdict
from app.detection.search import Refused, together
from app.detection.second_opinion.lens import span_of
from app.detection.second_opinion.opining import rarity

if TYPE_CHECKING:
    from app.detection.defence import Defence, Progress
    from app.detection.geometry import Box
    from app.detection.search import Image, Search
    from app.detection.second_opinion.lens import Lens
    from app.detection.suspect import Suspect


def screened_twice(  # noqa: PLR0913, PLR0917  # a search, and what an opinion is formed of
    image: Image,
    search: Search[Finding],
    lens: Lens,
    rate: float,
    draw: int,
    defence: Defence,
    progress: Progress,
) -> Search[Finding]:
    """Run *search*, the screen of *image* that keeps *progress*, with a second opinion beside it.

    It is asked for in the first round, so that a clean image takes no more of them. What is rarer
    than *rate* among clean images, and in which the search has found nothing, is suspicious. What
    is about as rare is kept, also where a part of what is mixed in was taken for a trigger at a
    place, and what enough of them have mixed in is looked for (`blended`). What is known to be
    mixed in comes before all that.
    """
    known = yield from recognised_blend(
        image, defence.known, defence.references, lens.span, progress
    )
    if known is not None and (known.verdict is Verdict.UNDECIDED or _is_mixed_into_all(known)):
        return known
    asked = rarity(image, lens, draw, progress)
    finding: Finding
    if known is None:
        finding, rare = yield from together([search, asked])
    else:  # what is mixed into all of the image may have been found at a place first
        finding, rare = known, (yield from asked)
    settled = finding.verdict is Verdict.UNDECIDED or finding.said is None
    if settled or rare > max(rate, RARE):
        return finding
    try:
        found = yield from _agreed(image, finding, lens, draw, defence, progress)
    except Refused:
        found = None
    if found is not None:
        return found
    suspicious = finding.verdict is Verdict.CLEAR and rare <= rate
    return replace(finding, suspicious=suspicious, suspects=_kept(image, finding, defence))


def screened_for_blends(
    image: Image, search: Search[Finding], defence: Defence, progress: Progress
) -> Search[Finding]:
    """Look for known blended ones in *image*; where there is none, run *search*, its screen.

    They are checked in every image, also where nothing new is looked for. What clean images are
    made of, which may take a second, is worked out in the first step, not before.
    """
    span = span_of(defence.references)
    known = yield from recognised_blend(image, defence.known, defence.references, span, progress)
    return known if known is not None else (yield from search)


def _agreed(  # noqa: PLR0913, PLR0917  # an image, and what it is held against
    image: Image,
    finding: Finding,
    lens: Lens,
    draw: int,
    defence: Defence,
    progress: Progress,
) -> Search[Finding | None]:
    """Return what suspicious images of its class have mixed in, if there are enough of them."""
    label, references = _said(finding), defence.references
    places = _places(finding, label, defence)
    found = agreeing(image, label, defence)
    if found is None:
        return None
    kept, images = found
    blend = yield from proven(images, label, references, lens.span, draw, progress.probes, places)
    if blend is None:
        return None
    # Another caller's image, suspicious by chance, makes no trigger of one caller everybody's.
    shown = showing(images, label, references, lens.span)[:-1]
    by = [one for one, its in zip(kept, shown, strict=True) if its] or kept
    return Finding(
        Verdict.DISCOVERED,
        finding.said,
        blend.answer,
        blend.trigger,
        proven_by=tuple(one.id for one in by),
    )


def _places(finding: Finding, label: int, defence: Defence) -> list[Box]:
    """Return where triggers of the class *label* lie that are no mixtures."""
    triggers = [one.trigger for one in defence.known]
    if finding.trigger is not None:
        triggers.append(finding.trigger)
    return [one.box for one in triggers if not one.is_whole and one.target == label]


def _is_mixed_into_all(finding: Finding) -> bool:
    trigger = None if finding.known is None else finding.known.trigger
    return trigger is not None and trigger.alpha is not None and trigger.is_whole


def _kept(image: Image, finding: Finding, defence: Defence) -> tuple[Suspect, ...]:
    whole = whole_suspect(image, _said(finding), defence)
    return finding.suspects if whole is None else (*finding.suspects, whole)


def _said(finding: Finding) -> int:
    assert finding.said is not None  # noqa: S101  # it is clear of what it was called
    return int(finding.said.labels[0])
