"""How far calibrating has come, for the log: on a slow model it takes minutes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

EVERY_S: Final = 10.0


class Progress:
    """Counts the images that the model has answered, and says how many every `EVERY_S`.

    How many it will be isn't known before: it depends on the answers. *clock* is in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = self._said_at = clock()
        self._images = 0

    def asked(self, images: int) -> None:
        """Hear that so many more *images* were answered."""
        self._images += images
        if self._clock() >= self._said_at + EVERY_S:
            self._said_at = self._clock()
            logger.info("calibrating: the model has answered %s", self._so_far())

    def ended(self) -> None:
        """Hear that it is done."""
        logger.info("calibrated: the model has answered %s", self._so_far())

    def _so_far(self) -> str:
        return f"{self._images:,} images in {self._clock() - self._began:.1f} s"
