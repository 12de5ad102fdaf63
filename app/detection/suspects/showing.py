"""Which of many images may show a suspect as well, whatever they are called; no probe.

What an archive's second pass asks of every image. Where two images agree they are nearly equal in
a square, and the suspect differs there from what its class usually shows: by how much at most, that
is known beforehand. So what isn't near enough in any square is out, in all images at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.evidence.weighing import total
from app.detection.images import shrunken
from app.detection.suspect import sketched, step_of
from app.detection.suspects.agreement import NOISE, Ground, ground_of
from app.detection.suspects.alike import AGREEING, UNUSUAL, weighed
from app.detection.suspects.resemblance import is_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.suspect import Kept, Suspect

MOST: Final = 4  # suspects that every image is compared with, those for which most speaks


def telling(kept: Sequence[Kept], references: References) -> list[Kept]:
    """Return which of *kept* images are compared with: some that most speaks for, of this size."""
    size = references.images.shape[1:]
    fitting = [one for one in kept if _size(one.suspect) == size and one.suspect.is_likely]
    return sorted(fitting, key=lambda one: -total(one.suspect.terms))[:MOST]


def showing(
    images: Sequence[Image], kept: Sequence[Kept], references: References
) -> list[frozenset[int]]:
    """Return for each of *images* what it would have to be called to carry one of *kept*.

    Empty for most. The same picture again shows nothing.
    """
    found: list[set[int]] = [set() for _ in images]
    for suspect in (one.suspect for one in kept):
        for i in _near(images, suspect, references):
            weight, box = weighed(images[i], suspect, references)
            if box is None or weight < UNUSUAL:
                continue
            if not is_again(sketched(images[i]), suspect, references):
                found[i].add(suspect.target)
    return [frozenset(some) for some in found]


def _near(images: Sequence[Image], suspect: Suspect, references: References) -> list[int]:
    """Return which of *images* may agree with *suspect*: where they do a square is near enough."""
    ground = ground_of(suspect, references)
    if ground is None or not images:
        return []
    step = step_of(images[0])
    area = ground.area
    parts = np.stack([image[_whole(area[0], step), _whole(area[1], step)] for image in images])
    seen = shrunken(parts, step)
    # log((beside + NOISE) / (inside + NOISE)) >= AGREEING, and no more is beside than can be
    most = (ground.beside + NOISE) / np.exp(AGREEING) - NOISE
    near = np.zeros(len(images), bool)
    for shown in _shifted(seen, ground):
        near |= (ground.averaged(shown) <= most).any(axis=(1, 2))
    return np.flatnonzero(near).tolist()


def _shifted(seen: NDArray[np.float32], ground: Ground) -> Iterator[NDArray[np.float32]]:
    tall, wide = ground.patch.shape[:2]
    for y in range(seen.shape[1] - tall + 1):
        for x in range(seen.shape[2] - wide + 1):
            yield seen[:, y : y + tall, x : x + wide]


def _whole(part: slice, step: int) -> slice:
    return slice(part.start * step, part.stop * step)


def _size(suspect: Suspect) -> tuple[int, int, int]:
    return suspect.image_height, suspect.image_width, suspect.patch.shape[2]
