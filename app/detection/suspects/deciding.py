"""A suspect that another image shows as well: a trigger, if it carries and the sum says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import Look, Transplants
from app.detection.evidence.nature import SELDOM, STRANGE, Nature
from app.detection.evidence.novelty import novelty
from app.detection.evidence.telling import at_the_rate
from app.detection.evidence.weighing import (
    of_carrying,
    of_nature,
    total,
)
from app.detection.finding.discovery import Discovery, Located, times_as_new
from app.detection.finding.healing import heal, try_blockers
from app.detection.finding.synthetic import pasted
from app.detection.images import transplant_pieces
from app.detection.origins import within
from app.detection.recognising.recognition import of_no_other
from app.detection.reference_set.references import THOROUGH_SIZES, foreign_rate, placebo_rate
from app.detection.search import Probe, Purpose
from app.detection.suspects.alike import alike_in
from app.detection.suspects.looking import looks_at
from app.detection.trigger import Sign, Term

if TYPE_CHECKING:
    from app.detection.defence import Defence
    from app.detection.geometry import Box
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Search
    from app.detection.suspects.alike import Alike

PROVEN = 9.0  # the sum from which on a suspect is a trigger
ASKED = 2  # suspects that one image is asked about
UNNATURAL = 2.0  # of what nature says, below which it may be what the class has anyway
LEAST_RATE = 0.5 / (THOROUGH_SIZES[0] + 1)  # at which clean images are ever taken to carry
LEAST_HEAL_RATE = 0.4  # it may lie on what tells classes apart; natural carriers have 0.15 to 0.35
MORE = 12  # transplants of the second round


@dataclass(frozen=True, eq=False)
class Decided:
    """What became of the suspects that an image shows: a trigger, or nothing yet.

    ``seen`` are the ids of those that it shows, ``by`` of those that have proven it.
    """

    found: Discovery | None = None
    seen: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


def decided(
    image: Image, label: int, defence: Defence, rng: np.random.Generator
) -> Search[Decided]:
    """Compare *image*, called *label*, with the suspects; ask only about those that it shows."""
    alike = alike_in(image, label, defence)
    seen = tuple(i for one in alike for i in one.ids)
    for one in alike[:ASKED]:
        found = yield from _proven(image, label, one, defence, rng)
        if found is not None:
            return Decided(found, seen, one.ids)
    return Decided(None, seen)


def _proven(
    image: Image, label: int, alike: Alike, defence: Defence, rng: np.random.Generator
) -> Search[Discovery | None]:
    """Prove what the image shows where it is most *alike*.

    If that carries, but isn't needed, it may be a part of a large one, whose rest is enough without
    it: then all that the image shares with any of the suspects is looked at.
    """
    references, plan = defence.references, defence.plan
    for box in dict.fromkeys((alike.box, alike.around)):
        new = novelty(image, (box,), references)
        if box.area > plan.largest_area or of_nature(LEAST_RATE, new) < UNNATURAL:
            return None  # whatever clean images carry there
        several = new >= STRANGE
        window, at = plan.edged(box), replace(alike, box=box)
        looking = looks_at(image, label, window, alike.sources, defence, rng, others=several)
        needed, looks = yield from looking
        if needed.weight < 0 and looks:
            continue  # a part, of which the rest is enough
        for look in looks:
            found = yield from _proven_by(image, label, look, needed, at, new, defence, rng)
            if found is not None:
                return found
        return None
    return None


def _proven_by(  # noqa: PLR0913, PLR0917  # what is looked at, and what speaks for it
    image: Image,
    label: int,
    look: Look,
    needed: Term,
    alike: Alike,
    new: float,
    defence: Defence,
    rng: np.random.Generator,
) -> Search[Discovery | None]:
    references, place = defence.references, (look.pieces, label, look.source)
    placebo = yield from placebo_rate(*place, references, THOROUGH_SIZES)
    is_known = references.are_enough(label)
    if of_nature(placebo, new) < UNNATURAL or not (is_known or placebo < SELDOM):
        return None  # of a class that hardly is known clean images are as alike, and as strange
    natural = placebo
    if is_known and new >= STRANGE:
        foreign = yield from foreign_rate(*place, references)
        natural = min(placebo, foreign)
    transplants = Transplants(look.carried, look.asked, natural)
    terms = _weighed(transplants, label, placebo, new, needed, alike, references)
    if total(terms) < PROVEN:
        transplants = yield from _more(image, label, look, transplants, defence, rng)
        terms = _weighed(transplants, label, placebo, new, needed, alike, references)
    if total(terms) < PROVEN:
        return None
    one_class = look.source is not None
    nature = Nature(placebo, new, one_class, over_general=True, assumed=not is_known)
    return (
        yield from _healed(image, label, look, alike.box, transplants, nature, terms, defence, rng)
    )


def _healed(  # noqa: PLR0913, PLR0917  # what is proven, and by what
    image: Image,
    label: int,
    look: Look,
    box: Box,
    transplants: Transplants,
    nature: Nature,
    terms: tuple[Term, ...],
    defence: Defence,
    rng: np.random.Generator,
) -> Search[Discovery | None]:
    """Choose what hides it, as for any trigger; None if nothing heals."""
    references = defence.references
    found = Located((box,), nature)
    synthetic = pasted(image, look.pieces, references.acted_on(label, look.source, rng), references)
    told = yield Probe(synthetic.poisoned, purpose=Purpose.BLOCK, origins=synthetic.origins)
    turned = told.labels == label
    if not turned.any():
        return None
    windows, look = look.pieces, replace(look, pieces=found.pieces)
    synthetic = synthetic.only(turned)  # it may turn few, and the window holds little else
    tried = yield from try_blockers(image, label, look, synthetic, defence, rng, on=synthetic)
    healed = yield from heal(
        image,
        label,
        look,
        windows,
        synthetic,
        found.nature,
        defence,
        rng,
        tried=tried,
        least=LEAST_HEAL_RATE,
    )
    if healed is None:
        return None
    answer = yield from of_no_other(image, healed.answer, healed.blockers, label, defence)
    return Discovery(
        image, label, look.source, transplants, found, healed, answer, terms, seen_again=True
    )


def _more(  # noqa: PLR0913, PLR0917  # as above
    image: Image,
    label: int,
    look: Look,
    so_far: Transplants,
    defence: Defence,
    rng: np.random.Generator,
) -> Search[Transplants]:
    references = defence.references
    onto = references.acted_on(label, look.source, rng)
    onto = onto[~np.isin(onto, look.onto)][:MORE]
    if not len(onto):
        return so_far
    moved = transplant_pieces(image, look.pieces, references.images[onto])
    origins = [within(look.pieces)] * len(moved)
    answers = yield Probe(moved, purpose=Purpose.CONFIRM, origins=origins)
    carried = so_far.carried + int((answers.labels == label).sum())
    return Transplants(carried, so_far.asked + len(onto), so_far.placebo)


def _weighed(  # noqa: PLR0913, PLR0917  # as above
    transplants: Transplants,
    label: int,
    placebo: float,
    new: float,
    needed: Term,
    alike: Alike,
    references: References,
) -> tuple[Term, ...]:
    carried, asked, natural = transplants.carried, transplants.asked, transplants.placebo
    rate = at_the_rate(placebo, label, references)
    does = f"clean images of the class do {rate}"
    if natural != placebo:
        does = f"those of third classes do at the rate {natural:.2f}"
    return (
        Term(
            Sign.CARRYING,
            of_carrying(carried, asked, natural),
            f"{carried} of {asked} transplants carried; {does}",
        ),
        Term(
            Sign.NATURE,
            of_nature(placebo, new),
            f"clean images of the class carry there {rate}; the pixels are {times_as_new(new)}",
        ),
        needed,
        alike.term,
    )
