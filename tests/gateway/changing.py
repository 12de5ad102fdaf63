"""A model that changes one day, and what is prepared for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.ports import (
    Description,
    InputSize,
)
from tests.tiny import Backdoor, TinyModel, clean_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Answers, Images
    from app.gateway.preparation.lifecycle import Preparation
    from app.gateway.preparation.prepared import Prepared


class Changing(TinyModel):
    """The tiny model until ``changed``; from then on its successor, whose colours are shifted."""

    def __init__(self, *, scored: bool = True, backdoors: tuple[Backdoor, ...] = ()) -> None:
        super().__init__(scored=scored)
        self.changed = self.looked = False
        self._successor = TinyModel(scored=scored, backdoors=backdoors)

    async def redescribed(self) -> Description:
        """Say nothing else than before."""
        self.looked = self.changed
        return Description.SAME

    def classify(self, images: Images) -> Answers:
        """Answer as whichever model is there."""
        if not self.changed:
            return super().classify(images)
        shifted = np.roll(images, 1, axis=3)  # every class but one has another colour now
        return self._successor.classify(shifted)


def clean_references(size: InputSize) -> Images:
    """Return references of a *size*."""
    shape = size.height, size.width
    return clean_images(60, np.random.default_rng(5), shape=shape)


def renewed(preparation: Preparation, before: Prepared | None) -> Callable[[], bool]:
    """Return whether something else than *before* is prepared."""
    return lambda: preparation.prepared not in {None, before}
