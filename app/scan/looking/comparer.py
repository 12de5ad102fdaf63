"""Decoding pictures as the gateway does, and comparing them with the triggers that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from app.detection.defence import Known
from app.detection.recognising.comparing import may_carry
from app.pictures.decoding import Opened, PictureError, fitted, load
from app.scan.looking.tasks import Passed, Unusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.ports import Entry, InputSize
    from app.scan.looking.tasks import Look, Task
    from app.scan.sources.items import Content
    from app.settings import Resize


@dataclass(frozen=True)
class Decoding:
    """How pictures become the model's input: what the gateway's settings say."""

    max_pixels: int
    resize: Resize


class Comparer:
    """Decodes pictures to *size*, and compares them by what *references* tell of clean ones."""

    def __init__(self, size: InputSize, decoding: Decoding, references: References) -> None:
        self._size = size
        self._decoding = decoding
        self._references = references
        self._known: tuple[Known, ...] = ()

    def know(self, entries: Sequence[Entry]) -> None:
        """Compare with these triggers from now on."""
        self._known = tuple(Known(entry.id, entry.trigger) for entry in entries)

    def read(self, task: Task) -> list[Look | Image]:
        """Return the images of *task* that the model is to be asked about, or what they are."""
        read = [self._decoded(content) for content in task.contents]
        if task.screened:
            return read
        images = {i: one for i, one in enumerate(read) if isinstance(one, np.ndarray)}
        may = np.zeros(len(images), bool)
        if images and self._known:
            may = may_carry(list(images.values()), self._known, self._references)
        for i, one_may in zip(images, may, strict=True):
            if not one_may:
                read[i] = Passed()
        return read

    def _decoded(self, content: Content) -> Look | Image:
        size, decoding = self._size, self._decoding
        try:
            if content.shape is None:
                return load(
                    content.body, size, max_pixels=decoding.max_pixels, resize=decoding.resize
                )
            return fitted(Opened(picture_of(content)), size, decoding.resize)
        except PictureError as exc:
            return Unusable(str(exc))


def picture_of(content: Content) -> Pillow.Image:
    """Return the picture that the pixels of *content* are."""
    assert content.shape is not None  # noqa: S101  # of pixels
    pixels = np.frombuffer(content.body, np.uint8).reshape(content.shape)
    return Pillow.fromarray(pixels[:, :, 0] if content.shape[2] == 1 else pixels)
