"""Decoding pictures as the gateway does, and comparing them with the triggers that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from app.detection.archive.comparing import may_carry, may_carry_what, worth_reading
from app.detection.archive.halving import can_halve
from app.detection.defence import Known
from app.detection.suspects.showing import showing, telling
from app.pictures.decoding import Opened, PictureError, fitted, halved, load, opened
from app.scan.looking.tasks import Asked, Passed, Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.suspect import Kept
    from app.ports import Entry, InputSize
    from app.scan.looking.tasks import Look, Task
    from app.scan.sources.items import Content
    from app.settings import Resize


@dataclass(frozen=True)
class Decoding:
    """How pictures become the model's input: what the gateway's settings say.

    ``in_full``: no JPEG is decoded to half its sides first, which a file can be made to use.
    """

    max_pixels: int
    resize: Resize
    in_full: bool = False


class Comparer:
    """Decodes pictures to *size*, and compares them by what *references* tell of clean ones.

    ``decoded_in_full`` counts: of a JPEG half its sides often tell that no trigger is in it.
    """

    def __init__(self, size: InputSize, decoding: Decoding, references: References) -> None:
        self._size = size
        self._decoding = decoding
        self._references = references
        self._known: tuple[Known, ...] = ()
        self._suspects: Sequence[Kept] = ()
        self.decoded_in_full = 0

    def know(self, entries: Sequence[Entry], suspects: Sequence[Kept] = ()) -> None:
        """Compare with these triggers and suspects from now on."""
        self._known = tuple(Known(entry.id, entry.trigger) for entry in entries)
        self._suspects = telling(suspects, self._references)

    def read(self, task: Task) -> list[Look | Asked]:
        """Return the images of *task* that the model is to be asked about, or what they are."""
        if task.screened:
            return [self._decoded(content) for content in task.contents]
        worth = self._worth_reading(task.contents)
        read = [
            Passed() if i in worth and not worth[i].any() else self._decoded(content)
            for i, content in enumerate(task.contents)
        ]
        asked = {i: one.image for i, one in enumerate(read) if isinstance(one, Asked)}
        may = self._may_carry(asked, worth)
        shown = showing(list(asked.values()), self._suspects, self._references)
        for (i, image), suspected in zip(asked.items(), shown, strict=True):
            read[i] = Asked(image, suspected) if i in may or suspected else Passed()
        return read

    def _worth_reading(self, contents: Sequence[Content]) -> dict[int, NDArray[np.bool_]]:
        """Return which triggers pictures may carry by half their sides, where those are read."""
        if self._suspects or self._decoding.in_full:
            return {}
        if not can_halve(self._known, self._references.images.shape[1:]):
            return {}
        halves = {
            i: half for i, one in enumerate(contents) if (half := self._half(one)) is not None
        }
        if not halves:
            return {}
        told = worth_reading(list(halves.values()), self._known, self._references)
        return dict(zip(halves, told, strict=True))

    def _may_carry(
        self, images: Mapping[int, Image], worth: Mapping[int, NDArray[np.bool_]]
    ) -> set[int]:
        """Return which of *images* may carry a trigger, that half their sides have left for it."""
        may: set[int] = set()
        known, references = self._known, self._references
        new, left = ([i for i in images if (i in worth) is is_left] for is_left in (False, True))
        if new and known:
            told = may_carry([images[i] for i in new], known, references)
            may.update(i for i, one in zip(new, told.tolist(), strict=True) if one)
        if left:
            some = np.stack([worth[i] for i in left])
            told = may_carry_what([images[i] for i in left], some, known, references)
            may.update(i for i, one in zip(left, told.tolist(), strict=True) if one)
        return may

    def _half(self, content: Content) -> Image | None:
        """Return half the picture's sides; None where it is to be decoded in full anyhow."""
        if content.shape is not None:
            return None
        try:
            picture = opened(content.body, max_pixels=self._decoding.max_pixels)
            return halved(picture, self._size, self._decoding.resize)
        except PictureError:  # decoding it says why
            return None

    def _decoded(self, content: Content) -> Look | Asked:
        size, decoding = self._size, self._decoding
        self.decoded_in_full += 1
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
