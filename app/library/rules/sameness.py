"""When two findings are one trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.geometry import Box
from app.detection.matching import LEVELS, is_plain, is_shown, likeness, matches
from app.detection.recognising.sighting import REACH
from app.detection.trigger import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.trigger import Trigger

SAME_OVERLAP = 0.25
"""Boxes of one sticker, localised from different images, are a few pixels off: those of a 4x4
sticker in the opposite corners of two 6x6 boxes share 16 of 56 pixels, 0.29 of their union. Two
stickers side by side share none. Taking two for one costs more than it seems, for the second is
then never added; so no lower than this."""

SHOWN = 0.5
"""Share of a found trigger's pixels that a dismissed one must show, to be it. Chosen: its box may
be larger by an edge, which for a small one is as many pixels again."""

SAME_SHARE = 0.6
"""One search may end in a box much larger than the other's. Then the overlap is small, but most of
the smaller box lies in the larger one, and what hides the larger hides the smaller."""


ALIKE = 0.75
"""Fit of one's pixels in the other's box. Chosen, not measured: on whole photographs a sticker has
0.84 and more at its best place, clean ones 0.6 at most."""

COMPARED = 16  # entries, those seen last, whose pixels a new trigger is compared with

RESEMBLING = 64.0
"""Levels a pixel, root mean square, that the dismissed patch and what was found at its place may
differ by: small ones, learnt from JPEGs and found in other files, do by 24 to 58 in 38 of 42
searches; three stickers of the zoo from one another by 77 and more, and from what clean images show
at their places by 61 and more in 99.9 of 100."""

AROUND = 0.25  # of the larger one's side, that is added around it: its box may lack an edge


def same_trigger(a: Trigger, b: Trigger) -> bool:
    """Tell if *a* and *b* make the model answer the same, from one place or by the same pixels."""
    if is_at_one_place(a, b):
        return True
    placed = Kind.BLENDED not in {a.kind, b.kind}
    return placed and _same_size(a, b) and _same_effect(a, b) and _look_alike(a, b)


def is_at_one_place(a: Trigger, b: Trigger) -> bool:
    """Tell if *a* and *b* make the model answer the same, from one place.

    What is mixed into whole images lies at no other's place, and of one class it is one trigger.
    """
    alike = (a.kind, a.is_whole) == (b.kind, b.is_whole)
    return alike and _same_size(a, b) and _same_effect(a, b) and _same_place(a.box, b.box)


def is_dismissed_patch(dismissed: Trigger, found: Trigger) -> bool:
    """Tell if *found* is what was *dismissed*: by its class and place, and by its pixels.

    Most of what it shows must be there as it was dismissed, and what both show must be one pattern.
    As a file that was saved again has it, it may lie a few pixels off, or differ by some levels at
    its place. What lies beside it, or over it, or has some of its pixels, is another trigger, and
    what acts on one class says nothing of others.
    """
    if Kind.BLENDED in {dismissed.kind, found.kind}:
        return is_at_one_place(dismissed, found)
    same_source = (dismissed.source is None) == (found.source is None)
    same_effect = dismissed.target == found.target and same_source
    if not (_same_size(dismissed, found) and same_effect):
        return False
    here = _common_pixels(found, dismissed)
    if _shown_in(found, dismissed) >= SHOWN and is_shown(*here):
        return True
    small, large = sorted(int(one.own.sum()) for one in (dismissed, found))
    if small < SHOWN * large:
        return False
    if _same_place(dismissed.box, found.box) and _resemble(*here, small):
        return True
    return _about_its_place(dismissed, found) and _look_alike(dismissed, found)


def _resemble(one: NDArray[Any], other: NDArray[Any], pixels: int) -> bool:
    """Tell if two patches of one place are about the same levels, pixel by pixel.

    They must have most of the smaller one's *pixels* in common. Of the *other*, a dismissed one, of
    one colour nothing but that tells: it must be just about the same.
    """
    if len(one) < SHOWN * pixels:
        return False
    if is_plain(other):
        return is_shown(one, other)
    return float(np.square(one - other).mean()) <= RESEMBLING**2


def _about_its_place(dismissed: Trigger, found: Trigger) -> bool:
    """Tell if *found* lies where *dismissed* is looked for: anywhere if it has moved."""
    side = min(dismissed.image_width, dismissed.image_height)
    (x, y), (home_x, home_y) = found.box.centre, dismissed.box.centre
    return dismissed.moves or max(abs(x - home_x), abs(y - home_y)) <= max(1, REACH * side)


def _shown_in(found: Trigger, dismissed: Trigger) -> float:
    """Return the share of the pixels of *found* that *dismissed* shows at the same places."""
    box, old = found.box, dismissed.box
    own = likeness(found).weights > 0
    there = np.full((found.image_height, found.image_width, found.patch.shape[2]), np.inf)
    there[old.rows, old.columns] = dismissed.patch
    near = np.abs(found.patch - there[box.rows, box.columns]).max(axis=2) <= LEVELS
    return float(near[own].mean())


def _common_pixels(a: Trigger, b: Trigger) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return what either shows where both show something: (n, channels) each."""
    shape = (a.image_height, a.image_width)
    shown, own = np.zeros((2, *shape, a.patch.shape[2])), np.zeros((2, *shape), bool)
    for i, one in enumerate((a, b)):
        shown[i, one.box.rows, one.box.columns] = one.patch
        own[i, one.box.rows, one.box.columns] = likeness(one).weights > 0
    return tuple(shown[:, own.all(axis=0)])


def _same_size(a: Trigger, b: Trigger) -> bool:
    return (a.image_width, a.image_height) == (b.image_width, b.image_height)


def _same_effect(a: Trigger, b: Trigger) -> bool:
    """Tell if they lead to one class, or both lead each class to one of its own."""
    return a.target == b.target or (a.source is not None and b.source is not None)


def _same_place(a: Box, b: Box) -> bool:
    overlap = a.overlap(b)
    shared = overlap * (a.area + b.area) / (1 + overlap)  # |a & b|, from its share of |a | b|
    return overlap >= SAME_OVERLAP or shared >= SAME_SHARE * min(a.area, b.area)


def _look_alike(a: Trigger, b: Trigger) -> bool:
    """Tell if the smaller one's pixels are in the larger one's box: a trigger that has moved."""
    small, large = sorted((a, b), key=lambda one: one.box.area)
    if small.pieces or large.pieces or small.patch.shape[2] != large.patch.shape[2]:
        return False
    what = likeness(small)
    if is_plain(what.pixels[what.weights > 0]):
        return False
    margin = round(AROUND * max(large.patch.shape[:2]))
    shown = np.pad(large.patch, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    area = Box(0, 0, shown.shape[1], shown.shape[0])
    found = matches(shown, what, area, copies=False)
    return bool(found) and found[0].fit >= ALIKE
