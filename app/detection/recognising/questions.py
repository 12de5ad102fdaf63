"""What is asked of an image about a known trigger (`docs/detection.md` 3.9)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.images import block, transplant_pieces
from app.detection.origins import beside, within
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.origins import Origin
    from app.detection.plan import Plan
    from app.detection.recognising.sighting import Sighting
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger

WIDER = 2  # pixels a side that the second blocker is wider
WIDER_SHARE = 0.01  # of the image's side, where that is more
BLOCKED = 3  # blocked images that are asked
JOINT_AREA = 0.25  # of the image, that may be hidden by the blockers of several triggers together
ROWS_OF_GROUPS = 3  # strips of the image that groups of triggers are collected in
TRANSPLANTS = 3
MORE_TRANSPLANTS = 5
MORE_OF_ALL_ABOUT = 13  # of all that lies about its place: some references hold against much

OTHER_FILL = {
    Fill.DOMINANT: Fill.INPAINT,
    Fill.RING: Fill.INPAINT,
    Fill.INPAINT: Fill.RING,
    Fill.REFERENCES: Fill.INPAINT,
}
"""The fill of the second blocker, by that of the first."""


@dataclass(frozen=True, eq=False)
class Questions:
    """What is asked of an image about one known trigger: blocked thrice, and transplanted.

    All places where it may lie are blocked together, and those that may carry transplanted
    together. The second blockers are wider and have another fill: one fill may look like the
    attacker's class. The third are the backdrop, since surroundings may be painted to rebuild the
    trigger. Where the trigger acts on some classes only the transplants wait for the class that
    blocking reveals.
    """

    sighting: Sighting
    pieces: tuple[Box, ...]
    images: Images
    origins: tuple[Origin, ...]

    @property
    def trigger(self) -> Trigger:
        """The trigger that is asked about."""
        return self.sighting.known.trigger


def grouped(image: Image, sightings: Sequence[Sighting]) -> list[list[Sighting]]:
    """Put *sightings* in groups whose blockers together hide no more than a part of the image.

    Where more is hidden an image loses its class by that alone, and nothing is ruled out. So
    neighbours, which hide the same pixels, are in one group.
    """
    height, width, _ = image.shape
    groups: list[list[Sighting]] = []
    hidden = np.ones((height, width), bool)
    for one in sorted(
        sightings, key=lambda one: (ROWS_OF_GROUPS * one.places[0].y // height, one.places[0].x)
    ):
        for blocker in wide(one):
            hidden[blocker.box.rows, blocker.box.columns] = True
        if hidden.mean() > JOINT_AREA:
            groups.append([])
            hidden[...] = False
            for blocker in wide(one):
                hidden[blocker.box.rows, blocker.box.columns] = True
        groups[-1].append(one)
    return groups


def jointly_blocked(image: Image, sightings: Sequence[Sighting], backdrop: Image) -> Images:
    """Return *image* with all of them blocked, in the three ways in which each alone would be."""
    own, other = _joint_blockers(sightings)
    by_backdrop = [replace(one, fill=Fill.REFERENCES) for one in other]
    return np.stack([block(image, over, backdrop) for over in (own, other, by_backdrop)])


def jointly_beside(sightings: Sequence[Sighting]) -> list[Origin]:
    """Return the origins of what `jointly_blocked` makes of an image."""
    own, other = _joint_blockers(sightings)
    return [beside([one.box for one in over]) for over in (own, other, other)]


def _joint_blockers(sightings: Sequence[Sighting]) -> tuple[list[Blocker], list[Blocker]]:
    """Return the narrow ones of all, and the wide ones."""
    return (
        [one for seen in sightings for one in narrow(seen)],
        [one for seen in sightings for one in wide(seen)],
    )


def narrow(one: Sighting) -> tuple[Blocker, ...]:
    """Return the trigger's own blocker over each place; at its usual one just as it was chosen.

    What its edges tell is hidden just as far: more would take strokes beside it.
    """
    trigger = one.known.trigger
    if one.sharp is not None:
        return tuple(Blocker(place, trigger.blocker.fill) for place in one.places)
    margin = blocker_margin(trigger)
    return tuple(
        trigger.blocker
        if place == trigger.box
        else Blocker(
            place.grown(margin, trigger.image_width, trigger.image_height), trigger.blocker.fill
        )
        for place in one.places
    )


def wide(one: Sighting) -> tuple[Blocker, ...]:
    """Return the other blocker over each place: wider, and of another fill."""
    trigger = one.known.trigger
    width, height = trigger.image_width, trigger.image_height
    more = max(WIDER, round(WIDER_SHARE * min(width, height))) if one.sharp is None else 0
    fill = OTHER_FILL[trigger.blocker.fill]
    return tuple(Blocker(own.box.grown(more, width, height), fill) for own in narrow(one))


def blocker_margin(trigger: Trigger) -> int:
    """Return by how many pixels a side the trigger's blocker is larger than its box, at most."""
    box, over = trigger.box, trigger.blocker.box
    right, bottom = over.x + over.width, over.y + over.height
    margins = (
        box.x - over.x,
        box.y - over.y,
        right - box.x - box.width,
        bottom - box.y - box.height,
    )
    return max(0, *margins)


def questions(image: Image, sighting: Sighting, references: References, plan: Plan) -> Questions:
    """Prepare the probes that tell if *image* carries the trigger: at most six."""
    pieces = tuple(
        plan.edged(piece)
        for place in sighting.carrying
        for piece in placed(sighting.known.trigger, place)
    )
    images = jointly_blocked(image, [sighting], references.backdrop)
    origins = jointly_beside([sighting])
    asked = Questions(sighting, pieces, images, tuple(origins))
    if asked.trigger.source is not None:
        return asked
    pasted = transplants(image, asked, references, None)
    return replace(
        asked,
        images=np.concatenate([images, pasted]),
        origins=(*origins, *[within(pieces)] * len(pasted)),
    )


def placed(trigger: Trigger, place: Box) -> tuple[Box, ...]:
    """Return where the trigger's pieces are if it lies at *place*."""
    if not trigger.pieces:
        return (place,)
    wide, tall = place.width / trigger.box.width, place.height / trigger.box.height
    return tuple(
        Box(
            place.x + round((piece.x - trigger.box.x) * wide),
            place.y + round((piece.y - trigger.box.y) * tall),
            max(1, round(piece.width * wide)),
            max(1, round(piece.height * tall)),
        )
        for piece in trigger.pieces
    )


def transplants(
    image: Image,
    asked: Questions,
    references: References,
    source: int | None,
    *,
    more: bool = False,
) -> Images:
    """Return the trigger on a few ordinary references that it acts on; *more* of them if asked.

    Not on robust ones, which are hard to turn for a trigger too. More is for where the first few
    leave a doubt.
    """
    trigger = asked.trigger
    question = f"{trigger.target}:{trigger.box}"
    rng = np.random.default_rng([references.seed, zlib.crc32(question.encode())])
    onto = references.acted_on(trigger.target, source, rng)
    part = slice(TRANSPLANTS, TRANSPLANTS + more_asked(asked)) if more else slice(TRANSPLANTS)
    return transplant_pieces(image, asked.pieces, references.images[onto[part]])


def more_asked(asked: Questions) -> int:
    """Return on how many more references it is transplanted where the first leave a doubt."""
    return MORE_OF_ALL_ABOUT if asked.sighting.is_wide else MORE_TRANSPLANTS
