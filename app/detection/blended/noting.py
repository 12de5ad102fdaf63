"""Suspicious images kept as suspects, as large as they are, until enough of one class agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.suspect import sketched, step_of, suspect_in
from app.detection.suspects.resemblance import is_again

if TYPE_CHECKING:
    from app.detection.defence import Defence
    from app.detection.search import Image, Images
    from app.detection.suspect import Kept, Suspect

ENOUGH = 20  # suspicious images of one class, from which on a pattern is estimated
EVERY = 5  # of them it is tried again, where it wasn't proven
MOST_OF_CLASS = 40  # that are kept of one class: what these don't prove more of them don't either
MOST = 96  # that are kept of all classes: the other suspects want room, too


def whole_suspect(image: Image, label: int, defence: Defence) -> Suspect | None:
    """Return *image*, called *label*, as a suspect of its own.

    None if it is too large to be kept as it is, there are enough of them, or the same picture is
    kept already.
    """
    wholes = [one.suspect for one in defence.suspects if one.suspect.is_whole]
    own = [one for one in wholes if one.target == label]
    if step_of(image) > 1 or len(wholes) >= MOST or len(own) >= MOST_OF_CLASS:
        return None
    sketch = sketched(image)
    alike = (one for one in own if one.sketch.shape == sketch.shape)
    if any(is_again(sketch, one, defence.references) for one in alike):
        return None
    height, width, _ = image.shape
    return suspect_in(image, label, Box(0, 0, width, height), source=None)


def agreeing(image: Image, label: int, defence: Defence) -> tuple[list[Kept], Images] | None:
    """Return the suspicious images of class *label* and their pixels with *image*, the last one.

    None unless there are enough, and not at each one more. Nor where a pattern of the class is
    known already, or has been dismissed.
    """
    triggers = [one.trigger for one in (*defence.known, *defence.dismissed)]
    if any(one.alpha is not None and one.target == label for one in triggers):
        return None
    own = [
        one
        for one in defence.suspects
        if one.suspect.is_whole
        and one.suspect.target == label
        and one.suspect.patch.shape == image.shape
    ]
    count = len(own) + 1
    if count < ENOUGH or count % EVERY:
        return None
    return own, np.stack([*(one.suspect.patch for one in own), image])
