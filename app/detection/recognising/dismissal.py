"""What its owner has dismissed, taken out of an image before it is searched.

A dismissed patch is told as a known trigger is: by its pixels, about its place, and by the class
that it leads to. Another one there, that has some of its pixels, is none. Whatever else the image
shows is searched as ever, however near it lies: so the search is of the image without the patch.
Where the patch alone makes the label there is nothing to search for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import block, resized
from app.detection.matching import HALF, glimpse, is_plain, is_shown, matches
from app.detection.origins import beside
from app.detection.recognising.presence import at_their_places, fits
from app.detection.recognising.questions import blocker_margin
from app.detection.recognising.sighting import GLIMPSED_FIT, LIKELY, NEAR, REACH, reach
from app.detection.recognising.stamping import stamp
from app.detection.search import Probe
from app.detection.trigger import Blocker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence, Known
    from app.detection.geometry import Box
    from app.detection.search import Image, Search
    from app.detection.trigger import Trigger

SURELY = 0.8  # a fit from which on a patch is what was dismissed, though its levels are others
LOOKED_FOR = 8  # dismissed patches that are looked for about their places


@dataclass(frozen=True, eq=False)
class Left:
    """What is to be searched: ``image``, from which the boxes ``taken_out`` are hidden."""

    image: Image
    taken_out: tuple[Box, ...] = ()


def dismissed_in(image: Image, defence: Defence) -> list[Trigger]:
    """Return the dismissed patches that *image* shows, each where it lies; no probe.

    Just at its place, or about there as a known trigger is looked for: a file is saved again, a
    sticker put elsewhere by a few pixels.
    """
    old = tuple(one for one in defence.dismissed if fits(image, one.trigger))
    just_there = at_their_places(image, old)
    found: list[Trigger] = []
    for i, (one, is_there) in enumerate(zip(old, just_there, strict=True)):
        if is_there and _shows(image, one.trigger):
            found.append(one.trigger)
        elif i < LOOKED_FOR:
            found += _about_its_place(image, one)
    return found


def _about_its_place(image: Image, known: Known) -> list[Trigger]:
    """Return *known* where its pixels are about its place; none if they aren't."""
    trigger, what = known.trigger, known.likeness
    area = reach(trigger, 1.0 if trigger.moves else REACH)
    if trigger.pieces or glimpse(image, what, area) < GLIMPSED_FIT:
        return []
    best = matches(image, what, area, copies=False, most=NEAR)[:1]
    # Another colour than a plain one's fits nearly as well, where both differ from what is around.
    surely = np.inf if is_plain(what.pixels[what.weights > 0]) else SURELY
    there = [(_placed(trigger, one.box), one.fit) for one in best if one.fit >= LIKELY]
    return [one for one, fit in there if fit >= surely or _shows(image, one)]


def _placed(trigger: Trigger, box: Box) -> Trigger:
    """Return *trigger* as it is at *box*, and hidden as widely as at its own."""
    own = resized(trigger.own[..., None].astype(np.float32), box.height, box.width)[..., 0]
    patch = resized(trigger.patch.astype(np.float32), box.height, box.width)
    over = box.grown(blocker_margin(trigger), trigger.image_width, trigger.image_height)
    return replace(
        trigger,
        box=box,
        patch=patch.round().astype(np.uint8),
        mask=own >= HALF,
        outline=None,
        blocker=Blocker(over, trigger.blocker.fill),
    )


def _shows(image: Image, trigger: Trigger) -> bool:
    """Say if *image* shows at its place what *trigger* is, and not just as many of its pixels."""
    own = trigger.own
    return is_shown(image[trigger.box.rows, trigger.box.columns][own], trigger.patch[own])


def left_of(
    image: Image, label: int, dismissed: Sequence[Trigger], defence: Defence
) -> Search[Left | None]:
    """Take what is *dismissed* out of *image*, which is called *label*; None if nothing is left.

    Nothing is if it alone makes the label. It is put back for that as it is stored, not as the
    image shows it, so that nothing can hide among its pixels; if it doesn't make the label then
    something else does, which lies under what was taken out, and all of the image is searched.
    """
    dismissed = [one for one in dismissed if one.target == label]
    if not dismissed:
        return Left(image)
    blockers = [one.blocker for one in dismissed]
    taken_out = tuple(one.box for one in blockers)
    without = block(image, blockers, defence.references.backdrop)
    alone = without[None]
    for one in dismissed:
        alone = stamp(one, alone)
    origins = [beside(taken_out), beside([*taken_out, *(one.box for one in dismissed)])]
    answers = yield Probe(np.stack([without, alone[0]]), origins=origins)
    if answers.labels[0] == label:
        return Left(without, taken_out)
    return None if answers.labels[1] == label else Left(image)
