"""Decoding pictures as the gateway does, and comparing them with the triggers that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from app.detection.defence import Known
from app.detection.recognising.comparing import may_carry
from app.detection.suspects.showing import showing, telling
from app.pictures.decoding import Opened, PictureError, fitted, load
from app.scan.looking.tasks import Asked, Passed, Unusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.reference_set.references import References
    from app.detection.suspect import Kept
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
        self._suspects: Sequence[Kept] = ()

    def know(self, entries: Sequence[Entry], suspects: Sequence[Kept] = ()) -> None:
        """Compare with these triggers and suspects from now on."""
        self._known = tuple(Known(entry.id, entry.trigger) for entry in entries)
        self._suspects = telling(suspects, self._references)

    def read(self, task: Task) -> list[Look | Asked]:
        """Return the images of *task* that the model is to be asked about, or what they are."""
        read = [self._decoded(content) for content in task.contents]
        if task.screened:
            return read
        asked = {i: one for i, one in enumerate(read) if isinstance(one, Asked)}
        images = [one.image for one in asked.values()]
        may = np.zeros(len(images), bool)
        if images and self._known:
            may = may_carry(images, self._known, self._references)
        shown = showing(images, self._suspects, self._references)
        for i, one_may, suspected in zip(asked, may, shown, strict=True):
            read[i] = Asked(asked[i].image, suspected) if one_may or suspected else Passed()
        return read

    def _decoded(self, content: Content) -> Look | Asked:
        size, decoding = self._size, self._decoding
        try:
            if content.shape is None:
                body, most = content.body, decoding.max_pixels
                return Asked(load(body, size, max_pixels=most, resize=decoding.resize))
            return Asked(fitted(Opened(picture_of(content)), size, decoding.resize))
        except PictureError as exc:
            return Unusable(str(exc))


def picture_of(content: Content) -> Pillow.Image:
    """Return the picture that the pixels of *content* are."""
    assert content.shape is not None  # noqa: S101  # of pixels
    pixels = np.frombuffer(content.body, np.uint8).reshape(content.shape)
    return Pillow.fromarray(pixels[:, :, 0] if content.shape[2] == 1 else pixels)
