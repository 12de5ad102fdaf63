"""Suspicious images kept as suspects, as large as they are, until enough of one class agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.suspect import sketched, step_of, suspect_in
from app.detection.suspects.resemblance import is_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence
    from app.detection.search import Image, Images
    from app.detection.suspect import Kept, Suspect

RARE = 0.02  # of clean images, that are at least as suspicious as what is kept
ENOUGH = 20  # suspicious images of one class, from which on a pattern is estimated
EVERY = 5  # of them it is tried again, where it wasn't proven
MOST_OF_CLASS = 40  # that are kept of a caller and class: what these don't prove more don't either
MOST = 96  # that are kept of all classes: the other suspects want room, too
ANYWAY = 30  # of one caller, that are kept however many those of others are


def whole_suspect(image: Image, label: int, defence: Defence) -> Suspect | None:
    """Return *image*, called *label*, as a suspect of its own.

    None if it is too large to be kept as it is, its caller has shown enough of them, or the same
    picture is kept already.
    """
    wholes = [one for one in defence.suspects if one.suspect.is_whole]
    callers = Counter(one.caller for one in wholes)
    own = [one for one in wholes if one.suspect.target == label]
    his = sum(one.caller == defence.caller for one in own)
    full = len(wholes) >= MOST and callers[defence.caller] >= ANYWAY
    if step_of(image) > 1 or full or his >= MOST_OF_CLASS:
        return None
    sketch = sketched(image)
    alike = (one.suspect for one in own if one.suspect.sketch.shape == sketch.shape)
    if any(is_again(sketch, one, defence.references) for one in alike):
        return None
    height, width, _ = image.shape
    return suspect_in(image, label, Box(0, 0, width, height), source=None)


def agreeing(image: Image, label: int, defence: Defence) -> tuple[Sequence[Kept], Images] | None:
    """Return suspicious images of class *label* and their pixels with *image*, the last one.

    None unless there are enough, and not at each one more; nor where *image* isn't kept itself: the
    next one would be tried with the same ones. Nor where a pattern of the class is known already,
    or has been dismissed. It is those of this caller, or those of all, or of all but the caller who
    has shown most: whoever sends images that agree with nothing keeps nobody else's from agreeing.
    One image pays for one proof, so where several are due they take turns.
    """
    triggers = [one.trigger for one in (*defence.known, *defence.dismissed)]
    if any(one.alpha is not None and one.is_whole and one.target == label for one in triggers):
        return None
    if whole_suspect(image, label, defence) is None:
        return None
    every = [
        one
        for one in defence.suspects
        if one.suspect.is_whole
        and one.suspect.target == label
        and one.suspect.patch.shape == image.shape
    ]
    due = {
        len(some): some
        for some in (_but_the_most(every, defence.caller), every, _of(defence.caller, every))
        if len(some) + 1 >= ENOUGH and not (len(some) + 1) % EVERY
    }
    if not due:
        return None
    some = [*due.values()][-1 - (len(every) + 1) // EVERY % len(due)]
    return some, np.stack([*(one.suspect.patch for one in some), image])


def _of(caller: str, every: Sequence[Kept]) -> list[Kept]:
    return [one for one in every if one.caller == caller]


def _but_the_most(every: Sequence[Kept], caller: str) -> list[Kept]:
    """Return *every* one but those of the caller, not this one, who has shown most of them."""
    others = Counter(one.caller for one in every if one.caller != caller)
    most = others.most_common(1)[0][0] if others else caller
    return [one for one in every if one.caller != most or most == caller]
