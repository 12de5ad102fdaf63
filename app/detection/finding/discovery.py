"""Pieces that carry, made a trigger: confirmed, localised, healed, and told from nature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import (
    DOUBTFUL,
    UNDECIDABLE,
    confirm,
    hurries,
    is_new,
    is_very_new,
    required,
    undecidable,
)
from app.detection.evidence.nature import nature_at
from app.detection.evidence.telling import at_the_rate
from app.detection.evidence.weighing import (
    NECESSARY,
    VERY_SURE,
    of_carrying,
    of_nature,
    total,
)
from app.detection.finding.healing import heal, try_blockers
from app.detection.finding.localising import localise
from app.detection.finding.narrowing import narrowed
from app.detection.finding.outlining import outlined
from app.detection.finding.parting import likely_parts
from app.detection.finding.synthetic import FEW_TURNED, TURNED, TURNED_IF_NEW, synthesise
from app.detection.geometry import around
from app.detection.recognising.recognition import of_no_other
from app.detection.reference_set.references import placebo_rate
from app.detection.search import together
from app.detection.trigger import Evidence, Sign, Term, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Defence
    from app.detection.evidence.confirmation import Look, Transplants
    from app.detection.evidence.nature import Nature
    from app.detection.finding.healing import Healed
    from app.detection.finding.synthetic import Synthetic
    from app.detection.geometry import Box
    from app.detection.plan import Plan
    from app.detection.reference_set.references import References
    from app.detection.search import Answers, Image, Search


@dataclass(frozen=True, eq=False)
class Discovery:
    """What was found in *image*, which the model calls ``label``, and what speaks for it.

    ``healed`` is what hides the trigger. ``answer`` is the one to give: None if a known trigger in
    the image has made it, since it is an attacker's too. ``seen_again``: where it lies is what
    several images have in common, so there is nothing to tell from what is around it.
    """

    image: Image
    label: int
    source: int | None
    transplants: Transplants
    located: Located
    healed: Healed
    answer: Answers | None
    terms: tuple[Term, ...]
    seen_again: bool = False

    def trigger(self, draw: int, probes: int) -> Trigger:
        """Return the trigger; it was found by this *draw* and has cost so many *probes*."""
        pieces, (height, width, _) = self.located.pieces, self.image.shape
        box, outline = around(pieces), None
        if len(pieces) == 1 and not self.seen_again and (seen := outlined(self.image, box)):
            box, outline = seen
        return Trigger(
            target=self.label,
            source=self.source,
            box=box,
            patch=self.image[box.rows, box.columns].copy(),
            mask=_mask(pieces, box) if len(pieces) > 1 else None,
            blocker=self.healed.blocker,
            natural=self.located.nature.rate,
            image_height=height,
            image_width=width,
            evidence=self._evidence(draw, probes),
            pieces=pieces if len(pieces) > 1 else (),
            outline=outline,
        )

    def _evidence(self, draw: int, probes: int) -> Evidence:
        novelty = self.located.nature.novelty
        class_b = int((self.answer or self.healed.answer).labels[0])
        return Evidence(
            carried=self.transplants.carried,
            transplants=self.transplants.asked,
            placebo=self.transplants.placebo,
            heal_rate=self.healed.heal_rate,
            probes=probes,
            seed=draw,
            class_b=class_b if class_b != self.label else None,
            necessary=class_b != self.label and not self.healed.by_some,
            novelty=novelty if np.isfinite(novelty) else None,
            terms=self.terms,
            assumed=self.located.nature.assumed,
        )


@dataclass(frozen=True)
class Unproven:
    """Pieces that weren't proven to be a trigger; ``located``: they were found in the windows."""

    pieces: tuple[Box, ...]
    source: int | None
    located: bool = False
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, eq=False)
class Searched:
    """What a search has found, or what may be a trigger, the likeliest first.

    ``crossed`` is where something may be laid over the image that hardly shows.
    """

    found: Discovery | None
    unproven: tuple[Unproven, ...] = ()
    crossed: tuple[Unproven, ...] = ()


def _mask(pieces: Sequence[Box], box: Box) -> NDArray[np.bool_]:
    mask = np.zeros((box.height, box.width), bool)
    for piece in pieces:
        inside = replace(piece, x=piece.x - box.x, y=piece.y - box.y)
        mask[inside.rows, inside.columns] = True
    return mask


def established(  # noqa: PLR0913, PLR0917  # what is looked at, and what else may be one
    image: Image,
    label: int,
    look: Look,
    defence: Defence,
    rng: np.random.Generator,
    others: Sequence[Box] = (),
    *,
    narrows: bool = True,
) -> Search[Discovery | Unproven | None]:
    """Confirm pieces, find the trigger in them and what heals it; else say what isn't proven.

    *others* are parts of the image that may be enough for its label as well. None where there is
    nothing to it: the image doesn't need the pieces, and they don't always carry. A window may be
    confirmed by a part of it, if it *narrows*; what that doesn't prove is looked for in all of it.
    """
    step = yield from _confirmed(image, label, look, defence, rng, narrows=narrows)
    if not isinstance(step, _Confirmed):
        return step
    found = yield from _found(image, label, step, defence, rng, others)
    if isinstance(found, Discovery) or step.look.pieces == look.pieces:
        return found
    wide = _widened(step.look, look)
    return (yield from established(image, label, wide, defence, rng, others, narrows=False))


def _found(  # noqa: PLR0913, PLR0917  # as above
    image: Image,
    label: int,
    step: _Confirmed,
    defence: Defence,
    rng: np.random.Generator,
    others: Sequence[Box],
) -> Search[Discovery | Unproven]:
    """Find the trigger in what is confirmed, and what heals it; else say what isn't proven."""
    look, transplants, synthetic = step.look, step.transplants, step.synthetic
    largest = defence.plan.largest_area
    pieces = yield from localise(image, step.windows, label, synthetic, largest)
    if sum(piece.area for piece in pieces) > largest:
        found = yield from _in_parts(image, label, look, defence, rng)
        return found or _unproven(look)
    look = replace(look, pieces=pieces)
    references = defence.references
    locating, tried = _located(image, label, look, transplants, defence), None
    if step.is_new:  # what hides it is tried while nature is asked
        if_few = replace(synthetic, enough=FEW_TURNED)
        trying = try_blockers(image, label, look, if_few, defence, rng)
        located, tried = yield from together([locating, trying])
    else:
        located = yield from locating
    weighed = partial(_weighed, look, label, transplants, located.nature, references)
    terms = weighed(freed=False)
    unproven = Unproven(pieces, look.source, located=True, terms=terms)
    if step.is_very_new or located.nature.is_seldom or total(terms) >= VERY_SURE:
        synthetic = replace(synthetic, enough=FEW_TURNED)
    if not look.necessary and total(weighed(freed=True)) < VERY_SURE:
        return unproven  # whatever hiding it does
    also = () if look.necessary else others
    healing = heal(
        image, label, look, step.windows, synthetic, located.nature, defence, rng, also, tried
    )
    healed = (yield from healing) if located.nature.excluded else None
    if healed is None:
        return unproven
    freed = bool(healed.answer.labels[0] != label) and not healed.by_some
    terms = weighed(freed=freed)
    if not look.necessary and total(terms) < VERY_SURE:
        return unproven
    answer = yield from of_no_other(image, healed.answer, healed.blockers, label, defence)
    return Discovery(image, label, look.source, transplants, located, healed, answer, terms)


def _in_parts(
    image: Image, label: int, look: Look, defence: Defence, rng: np.random.Generator
) -> Search[Discovery | None]:
    """Look into parts of a confirmed window, in which more carries than the largest trigger is.

    A part has none itself, so that ends.
    """
    if not look.necessary or look.source is not None or len(look.pieces) > 1:
        return None
    for part in (yield from likely_parts(image, label, look, defence, rng)):
        found = yield from established(image, label, part, defence, rng)
        if isinstance(found, Discovery):
            return found
    return None


@dataclass(frozen=True, eq=False)
class _Confirmed:
    """A look that transplants have confirmed: the ``windows`` to search, pasted on references.

    ``is_new``, ``is_very_new``: what it shows is.
    """

    look: Look
    windows: tuple[Box, ...]
    transplants: Transplants
    synthetic: Synthetic
    is_new: bool
    is_very_new: bool


def _confirmed(  # noqa: PLR0913  # as above
    image: Image,
    label: int,
    look: Look,
    defence: Defence,
    rng: np.random.Generator,
    *,
    narrows: bool,
) -> Search[_Confirmed | Unproven | None]:
    """Confirm a *look* that the image needs, or that carries each time.

    What is new most likely is one, if all have carried so far or the image needs it: then all is
    asked at once, which saves round trips. Else most are nature's: then one is asked after the
    other, and first, where not all have carried, if the image needs them.
    """
    references = defence.references
    is_likely = look.carried == look.asked > 0
    if not is_likely:
        needed = yield from required(image, label, look, references)
        if needed is None:
            return None
        look = needed
    hurried = hurries(image, label, look, references)
    narrow = look
    if not hurried:
        yield from placebo_rate(look.pieces, label, look.source, references)
        if undecidable(image, label, look, references):
            return _unproven((yield from required(image, label, look, references)) or look)
        narrow = (yield from narrowed(image, label, look, defence, rng)) if narrows else look
    windows = _windows(look, defence.plan) if narrow is look else narrow.pieces
    requiring = required(image, label, narrow, references)
    confirming = confirm(image, label, narrow, references, rng)
    onto = references.acted_on(label, narrow.source, rng)
    new = is_new(image, label, narrow, references)
    very_new = is_very_new(image, label, narrow, references)
    least = TURNED_IF_NEW if very_new else TURNED
    synthesising = synthesise(image, label, windows, onto, references, least)
    if hurried or (new and is_likely):
        needed, transplants, synthetic = yield from together([requiring, confirming, synthesising])
    else:
        needed, transplants = yield from together([requiring, confirming])
        synthetic = None if transplants is None else (yield from synthesising)
    narrow = needed or replace(narrow, necessary=False)
    natural = references.known_placebo_rate(look.pieces, label, look.source, 0.0)
    if hurried and narrows and DOUBTFUL < natural <= UNDECIDABLE:  # which is known only now
        return (yield from _confirmed(image, label, narrow, defence, rng, narrows=True))
    if transplants is not None and synthetic is not None:
        return _Confirmed(narrow, windows, transplants, synthetic, new, very_new)
    if narrow.pieces == look.pieces:
        return _unproven(narrow)
    wide = _widened(narrow, look)  # what its square doesn't show the whole window may
    return (yield from _confirmed(image, label, wide, defence, rng, narrows=False))


def _widened(narrow: Look, look: Look) -> Look:
    """Return the *look* that was narrowed: an image that needs a part of it needs all of it."""
    return replace(look, necessary=narrow.necessary or None)


def _unproven(look: Look) -> Unproven:
    return Unproven(look.pieces, look.source, terms=of_look(look))


def of_look(look: Look) -> tuple[Term, ...]:
    """Return what a first *look* says for its pieces."""
    needed = Term(Sign.BLOCKING, NECESSARY[-1], "without it the image loses its class")
    carried = Term(
        Sign.CARRYING,
        of_carrying(look.carried, look.asked, UNDECIDABLE),
        f"{look.carried} of {look.asked} transplants carried; how often clean images' do isn't"
        " known",
    )
    return ((needed,) if look.necessary else ()) + ((carried,) if look.asked else ())


def _weighed(  # noqa: PLR0913  # what was seen of it
    look: Look,
    label: int,
    transplants: Transplants,
    nature: Nature,
    references: References,
    *,
    freed: bool,
) -> tuple[Term, ...]:
    """Return what speaks for it: whether the image needed it, was *freed* by hiding it, or not.

    Needed is the window in which it was found: so it is said of what is around it as well.
    """
    carrying = of_carrying(transplants.carried, transplants.asked, transplants.placebo)
    needed = len(NECESSARY) - 1 if look.necessary else int(freed)
    hidden = ("keeps its class", "loses its class in one way of hiding them", "loses its class")
    return (
        Term(
            Sign.CARRYING,
            carrying,
            f"{transplants.carried} of {transplants.asked} transplants carried; clean images of"
            f" the class do {at_the_rate(transplants.placebo, label, references)}",
        ),
        Term(
            Sign.NATURE,
            of_nature(nature.rate, nature.novelty),
            "around the box clean images of the class carry"
            f" {at_the_rate(nature.rate, label, references)}; the pixels are"
            f" {times_as_new(nature.novelty)}",
        ),
        Term(
            Sign.BLOCKING,
            NECESSARY[needed],
            f"without it and what is around it the image {hidden[needed]}",
        ),
    )


def times_as_new(novelty: float) -> str:
    """Say how new pixels of so much *novelty* are."""
    if not np.isfinite(novelty):
        return "beside too few references to say how new they are"
    return f"{novelty:.1f} times as new as is usual"


def _windows(look: Look, plan: Plan) -> tuple[Box, ...]:
    """Return where to look for the trigger: the cell that was asked may lack a part of it."""
    if len(look.pieces) > 1:
        return look.pieces
    return (look.pieces[0].grown(plan.margin // 2, plan.width, plan.height),)


@dataclass(frozen=True)
class Located:
    """Where a trigger lies, and what nature has to say there."""

    pieces: tuple[Box, ...]
    nature: Nature


def _located(
    image: Image, label: int, found: Look, transplants: Transplants, defence: Defence
) -> Search[Located]:
    """Say where the *found* pieces lie, and what nature has to say there."""
    edged = [defence.plan.edged(piece) for piece in found.pieces]
    nature = yield from nature_at(edged, image, label, found, transplants, defence.references)
    return Located(found.pieces, nature)
