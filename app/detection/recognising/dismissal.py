"""What its owner has dismissed, taken out of an image before it is searched.

A dismissed patch is told by its pixels, at its place, and by the class that it leads to: another
one there, that has some of its pixels, is none. Whatever else the image shows is searched as ever,
however near it lies: so the search is of the image without the patch. Where the patch alone makes
the label there is nothing to search for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import block
from app.detection.matching import is_shown
from app.detection.origins import beside
from app.detection.recognising.presence import at_their_places, fits
from app.detection.recognising.stamping import stamp
from app.detection.search import Probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence
    from app.detection.geometry import Box
    from app.detection.search import Image, Search
    from app.detection.trigger import Trigger


@dataclass(frozen=True, eq=False)
class Left:
    """What is to be searched: ``image``, from which the boxes ``taken_out`` are hidden."""

    image: Image
    taken_out: tuple[Box, ...] = ()


def dismissed_in(image: Image, defence: Defence) -> list[Trigger]:
    """Return the dismissed patches whose pixels *image* shows at their places; no probe."""
    old = tuple(one for one in defence.dismissed if fits(image, one.trigger))
    shown = zip(old, at_their_places(image, old), strict=True)
    return [one.trigger for one, is_there in shown if is_there and _shows(image, one.trigger)]


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
