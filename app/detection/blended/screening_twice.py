"""One image, with a second opinion beside the search: triggers that have no place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.detection.blended.noting import agreeing, whole_suspect
from app.detection.blended.proving import proven
from app.detection.blended.recognising import recognised_blend, showing
from app.detection.defence import Verdict
from app.detection.search import Refused, together
from app.detection.second_opinion.opining import rarity

if TYPE_CHECKING:
    from app.detection.defence import Defence, Finding, Progress
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
    than *rate* among clean images, and in which the search has found nothing, is suspicious. Then
    it is kept, and what enough of them have mixed in is looked for (`blended`), as is what is known
    to be in any image.
    """
    results = yield from together([search, rarity(image, lens, draw, progress)])
    finding = yield from _beside_blends(image, results[0], lens, defence, progress)
    if finding.verdict is not Verdict.CLEAR or finding.said is None or results[1] > rate:
        return finding
    try:
        found = yield from _agreed(image, finding, lens, draw, defence, progress)
    except Refused:
        found = None
    if found is not None:
        return found
    return replace(finding, suspicious=True, suspects=_kept(image, finding, defence))


def screened_for_blends(
    image: Image, search: Search[Finding], lens: Lens, defence: Defence, progress: Progress
) -> Search[Finding]:
    """Run *search*, a screen of *image* for known triggers only, and look for known blended ones.

    They are checked in every image, also where nothing new is looked for.
    """
    finding = yield from search
    return (yield from _beside_blends(image, finding, lens, defence, progress))


def _beside_blends(
    image: Image, finding: Finding, lens: Lens, defence: Defence, progress: Progress
) -> Search[Finding]:
    """Return *finding*, or which known trigger is mixed into an image that is clear by it.

    Refused that, nothing is known of the image: it may be answered as the attacker wants.
    """
    if finding.verdict is not Verdict.CLEAR or finding.said is None:
        return finding
    progress.exposed = True
    try:
        known = yield from recognised_blend(
            image, finding.said, defence.known, defence.references, lens.span
        )
    except Refused:
        return progress.undecided
    progress.exposed = False
    return finding if known is None else known


def _agreed(  # noqa: PLR0913, PLR0917  # an image, and what it is held against
    image: Image,
    finding: Finding,
    lens: Lens,
    draw: int,
    defence: Defence,
    progress: Progress,
) -> Search[Finding | None]:
    """Return what suspicious images of its class have mixed in, if there are enough of them."""
    label = _said(finding)
    several = agreeing(image, label, defence)
    if several is None:
        return None
    kept, images = several
    search = proven(images, label, defence.references, lens.span, draw, progress.probes)
    blend = yield from search
    if blend is None:
        return None
    # Another caller's image, suspicious by chance, makes no trigger of one caller everybody's.
    shown = showing(images, label, defence.references, lens.span)[:-1]
    by = [one for one, its in zip(kept, shown, strict=True) if its] or kept
    return replace(
        finding,
        verdict=Verdict.DISCOVERED,
        sanitised=blend.answer,
        trigger=blend.trigger,
        proven_by=tuple(one.id for one in by),
        suspects=(),
    )


def _kept(image: Image, finding: Finding, defence: Defence) -> tuple[Suspect, ...]:
    whole = whole_suspect(image, _said(finding), defence)
    return finding.suspects if whole is None else (*finding.suspects, whole)


def _said(finding: Finding) -> int:
    assert finding.said is not None  # noqa: S101  # it is clear of what it was called
    return int(finding.said.labels[0])
