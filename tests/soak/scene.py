"""What is shown to the gateway: images whose right answers are known, clean and with triggers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from tests.tiny import Backdoor, TinyModel, clean_images, stamped

if TYPE_CHECKING:
    from app.detection.search import Image

CLASSES = 4
EDGES = (1, 5, 9, 13)
"""Where the triggers' boxes begin, across and down: apart by more than a box that is found."""

BACKDOORS = tuple(
    Backdoor(Box(x, y, 2, 2), target=(column + 2 * row) % CLASSES)
    for row, y in enumerate(EDGES)
    for column, x in enumerate(EDGES)
)
"""Neighbours have different targets: two findings of one trigger are told from those of two."""

MODEL = TinyModel(backdoors=BACKDOORS)


@dataclass(frozen=True, eq=False)
class Shown:
    """An image, the class that is right for it, and which of the triggers it carries, if any."""

    image: Image
    truth: int
    trigger: int | None


class Scene:
    """Draws images: *poisoned* is the share of those with a trigger."""

    def __init__(self, poisoned: float, seed: int) -> None:
        self._poisoned = poisoned
        self._images = clean_images(400, np.random.default_rng(seed))
        self._labels = MODEL.classify(self._images).labels
        self._order = np.random.default_rng(seed + 1).permutation(len(BACKDOORS))

    def draw(self, rng: np.random.Generator, progress: float) -> Shown:
        """Return an image; by and by (*progress* from 0 to 1) there are more triggers about."""
        if rng.random() >= self._poisoned:
            return self.clean(rng)
        about = 1 + int(progress * (len(BACKDOORS) - 1))
        # The newest one half of the time: most of what can go wrong happens to it.
        place = about - 1 if rng.random() < 0.5 else int(rng.integers(about))
        return self._carrying(int(self._order[place]), rng)

    def clean(self, rng: np.random.Generator) -> Shown:
        """Return a clean image."""
        index = int(rng.integers(len(self._images)))
        return Shown(self._images[index], int(self._labels[index]), None)

    def _carrying(self, trigger: int, rng: np.random.Generator) -> Shown:
        backdoor = BACKDOORS[trigger]
        others = np.flatnonzero(self._labels != backdoor.target)
        index = int(rng.choice(others))
        image = stamped(self._images[index][None], backdoor.box)[0]
        return Shown(image, int(self._labels[index]), trigger)
