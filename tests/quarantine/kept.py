"""Images to keep, and places to keep them at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tests.files import encoded
from tests.library.shared.test_incidents import incident
from tests.tiny import clean_images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.incidents import Incident
    from app.quarantine.eviction import File

INCIDENT = incident()
PICTURES = tuple(encoded(image) for image in clean_images(40, np.random.default_rng(0)))


def of(key: str | None, trigger_id: str = "t-1") -> Incident:
    """Return the incident of an image of this key."""
    return replace(INCIDENT, key=key, trigger_id=trigger_id)


class Broken:
    """A place where nothing can be done until it is mended: ``error`` says why."""

    def __init__(self, error: OSError) -> None:
        self.error: OSError | None = error

    def address(self, path: str) -> str:
        """Return the path itself."""
        return path

    def write(self, path: str, content: bytes) -> None:  # noqa: ARG002  # nothing is kept
        """Fail."""
        if self.error:
            raise self.error

    def files(self) -> Iterator[File]:
        """Say that there are none."""
        return iter(())

    def remove(self, path: str) -> None:
        """Do nothing."""
