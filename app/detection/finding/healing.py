"""What frees an image: its trigger hidden, and every copy of it (`docs/detection.md` 3.7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from app.detection.finding.blocking import choose_blocker
from app.detection.finding.remaining import freed_of_the_rest
from app.detection.finding.synthetic import pasted
from app.detection.geometry import Box
from app.detection.images import WAYS, block, transplant_pieces
from app.detection.matching import Likeness, matches
from app.detection.origins import beside
from app.detection.search import Probe, Purpose, hiding
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.detection.defence import Defence
    from app.detection.evidence.confirmation import Look
    from app.detection.evidence.nature import Nature
    from app.detection.finding.blocking import Choice
    from app.detection.finding.synthetic import Synthetic
    from app.detection.search import Answers, Image, Search

LEAST_HEAL_RATE = 0.5  # below it is no trigger: natural carriers measure 0.15 to 0.35
WIDENED = (2, 4, 6)  # pixels a side by which a blocker is widened where it doesn't heal
A_COPY = 0.75  # fit of the trigger's pixels, from which on another place shows a copy of it
COPIES = 3  # that are hidden beside it
CLOSELY = 1  # pixels a side around a copy that is hidden beside it alone
LEFT_IN = 2  # of three ways of hiding it the image must leave its label then


@dataclass(frozen=True, eq=False)
class Healed:
    """The ``blocker`` that heals best, how often it does, and what it makes of the image.

    ``blockers`` are all that the image needs for it: over copies of the trigger, too. ``by_some``:
    it kept its label where all of these were hidden, and left it without some of them alone, or
    without more than the trigger. That says what to answer, and nothing for the trigger: among
    several sets one may do it by chance.
    """

    blocker: Blocker
    heal_rate: float
    blockers: tuple[Blocker, ...]
    answer: Answers
    by_some: bool = False


@dataclass(frozen=True, eq=False)
class Tried:
    """Images with little more than what was found, and the blocker that did best on them."""

    on: Synthetic
    choice: Choice | None


def try_blockers(  # noqa: PLR0913, PLR0917  # what was found where, and what it was found with
    image: Image,
    label: int,
    found: Look,
    synthetic: Synthetic,
    defence: Defence,
    rng: np.random.Generator,
    on: Synthetic | None = None,
) -> Search[Tried]:
    """Try what hides what was *found*: on references that show it and its edge, or *on* others.

    The rest of the window isn't the trigger's. Of several pieces, each of which is needed, blocking
    one is enough.
    """
    if on is None:
        edged = [defence.plan.edged(piece) for piece in found.pieces]
        onto = defence.references.acted_on(label, found.source, rng)
        on = pasted(image, edged, onto, defence.references)
    choice = yield from choose_blocker(image, found.pieces[0], label, synthetic, on, defence)
    return Tried(on, choice)


def heal(  # noqa: PLR0913, PLR0917  # what was found where, and what it was found with
    image: Image,
    label: int,
    found: Look,
    windows: Sequence[Box],
    synthetic: Synthetic,
    nature: Nature,
    defence: Defence,
    rng: np.random.Generator,
    others: Sequence[Box] = (),
    tried: Tried | None = None,
    least: float = LEAST_HEAL_RATE,
) -> Search[Healed | None]:
    """Hide what was *found* in *windows*; None if nothing heals as often as in *least* of them.

    It is hidden by the blocker that did best where they were *tried*; else they are tried here.

    Where hiding it isn't enough there may be copies of it, or *others* that make the label: they
    are hidden, too. If the image keeps its label even then, and without some of them alone, that is
    its own, if it didn't seem to need what was found: an image of the attacker's class may carry
    the trigger as well. Not if what is left where it was still turns others.
    """
    plan, references = defence.plan, defence.references
    if tried is None:
        tried = yield from try_blockers(image, label, found, synthetic, defence, rng)
    piece, choice = found.pieces[0], _if_it_heals(tried.choice, synthetic.enough, nature, least)
    healed = yield from _freed(image, label, choice, found, defence)
    if healed is not None:
        return healed
    also = [*copies(image, piece), *others]
    if not also:
        kept = _as_it_is(choice, found)
        return (yield from _unless_rebuilt(image, label, kept, found, nature, defence, rng))
    over = [Blocker(plan.edged(one), Fill.REFERENCES) for one in also]
    alone = block(image, over, references.backdrop)
    boxes = [one.box for one in over]
    synthetic = replace(
        synthetic,
        poisoned=transplant_pieces(alone, windows, synthetic.clean),
        origin=synthetic.origin.without(boxes),
    )
    healed = yield from hiding(
        boxes,
        _healed_alone(alone, label, found, synthetic, tried.on, nature, defence, rng, least),
    )
    if healed is None:
        return None
    if healed.answer.labels[0] == label:
        by_some = yield from _freed_by_some(image, label, healed, also[:COPIES], defence)
        if by_some is not None:
            return by_some
    healed = replace(healed, blockers=(*healed.blockers, *over))
    return (yield from _unless_rebuilt(image, label, healed, found, nature, defence, rng))


def _unless_rebuilt(  # noqa: PLR0913, PLR0917  # as above
    image: Image,
    label: int,
    healed: Healed | None,
    found: Look,
    nature: Nature,
    defence: Defence,
    rng: np.random.Generator,
) -> Search[Healed | None]:
    """Return what is *healed*; or what hiding more makes of a label that isn't the image's own."""
    if healed is None or healed.answer.labels[0] != label:
        return healed
    freed = yield from freed_of_the_rest(
        image, label, healed.blockers, found, WIDENED, nature, defence, rng
    )
    if freed is None:
        return healed
    blockers, answer = freed
    return replace(healed, blockers=blockers, answer=answer, by_some=True)


def _freed_by_some(
    image: Image, label: int, healed: Healed, also: Sequence[Box], defence: Defence
) -> Search[Healed | None]:
    """Hide what was *healed*, and some of *also* closely: one, all but one, all.

    None if none of that frees the image. Of a digit with a stroke hidden that only looks like a
    copy the label may come back: then it isn't its own. But an image of the label leaves it in one
    way of hiding now and then.
    """
    plan, backdrop = defence.plan, defence.references.backdrop
    without = block(image, [healed.blocker], backdrop)
    sets = _some_of([one.grown(CLOSELY, plan.width, plan.height) for one in also])
    blockers = [[Blocker(one, fill) for one in some] for some in sets for fill in WAYS]
    images = np.stack([block(without, some, backdrop) for some in blockers])
    origins = [beside([healed.blocker.box, *some]) for some in sets for _ in WAYS]
    answers = yield Probe(images, purpose=Purpose.BLOCK, origins=origins)
    for first in range(0, len(images), len(WAYS)):
        told = answers.labels[first : first + len(WAYS)].tolist()
        left = [one for one in told if one != label]
        if len(left) >= LEFT_IN:
            i = first + told.index(Counter(left).most_common(1)[0][0])
            over, answer = (healed.blocker, *blockers[i]), answers[i : i + 1]
            return replace(healed, blockers=over, answer=answer, by_some=True)
    return None


def _some_of(boxes: Sequence[Box]) -> list[tuple[Box, ...]]:
    counts = dict.fromkeys((1, len(boxes) - 1, len(boxes)))
    return [some for count in counts if count for some in combinations(boxes, count)]


def _healed_alone(  # noqa: PLR0913, PLR0917  # as above
    image: Image,
    label: int,
    found: Look,
    synthetic: Synthetic,
    on: Synthetic,
    nature: Nature,
    defence: Defence,
    rng: np.random.Generator,
    least: float,
) -> Search[Healed | None]:
    """Hide what was found in *image*, where all else that may make the label is hidden."""
    tried = yield from try_blockers(image, label, found, synthetic, defence, rng, on)
    choice = _if_it_heals(tried.choice, synthetic.enough, nature, least)
    freed = yield from _freed(image, label, choice, found, defence)
    return freed or _as_it_is(choice, found)


def _as_it_is(choice: Choice | None, found: Look) -> Healed | None:
    """Return what the *choice* makes of an image that keeps its label; only if that is its own."""
    if choice is None or found.necessary:
        return None
    return Healed(choice.blocker, choice.heal_rate, (choice.blocker,), choice.answer)


def _if_it_heals(
    choice: Choice | None, enough: float, nature: Nature, least: float
) -> Choice | None:
    """Return the *choice*; None if it heals, or what it hides turns, too few for a trigger."""
    if choice is None or choice.heal_rate <= least or choice.turned < enough:
        return None
    return choice if nature.is_exceeded(choice.heal_rate) else None


def _freed(
    image: Image, label: int, choice: Choice | None, found: Look, defence: Defence
) -> Search[Healed | None]:
    """Hide it by the *choice*, or wider, so that *image* leaves *label*; None if it doesn't.

    A box that was enough for the synthetic images may lack a part of the trigger. The backdrop is
    tried as well: the surroundings may be painted to rebuild it. Not where the image doesn't need
    what was found: hiding ever more of it takes its own label.
    """
    if choice is None:
        return None
    blocker, rate = choice.blocker, choice.heal_rate
    if choice.answer.labels[0] != label:
        return Healed(blocker, rate, (blocker,), choice.answer)
    if not found.necessary:
        return None
    plan = defence.plan
    wider = [
        Blocker(blocker.box.grown(margin, plan.width, plan.height), fill)
        for fill in dict.fromkeys((blocker.fill, Fill.REFERENCES))
        for margin in WIDENED
    ]
    images = [block(image, [one], defence.references.backdrop) for one in wider]
    origins = [beside([one.box]) for one in wider]
    answers = yield Probe(np.stack(images), purpose=Purpose.BLOCK, origins=origins)
    for i in np.flatnonzero(answers.labels != label):
        return Healed(wider[int(i)], rate, (wider[int(i)],), answers[int(i) : int(i) + 1])
    return None


def copies(image: Image, box: Box) -> list[Box]:
    """Return where else *image* shows what it shows in *box*, as it is or mirrored; no probe."""
    height, width, _ = image.shape
    apart = [box]
    for what in _mirrored(image, box):
        for one in matches(image, what, Box(0, 0, width, height)):
            if one.fit >= A_COPY and not any(one.box.overlap(other) for other in apart):
                apart.append(one.box)
    return apart[1 : 1 + COPIES]


def _mirrored(image: Image, box: Box) -> Iterator[Likeness]:
    pixels = image[box.rows, box.columns].astype(np.float32)
    for one in (pixels, pixels[:, ::-1], pixels[::-1], pixels[::-1, ::-1]):
        yield Likeness(np.ascontiguousarray(one), np.ones(one.shape[:2], np.float32))
