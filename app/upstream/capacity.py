"""What a model server takes in one request: as its owner or itself says, and as it has shown.

A refusal teaches only what it proves: that images which were refused together were taken in smaller
requests. An image that is refused alone, whoever has sent it, teaches nothing. Too large a body
(413) teaches bytes, which hold for images of any content; everything else teaches a number of
images. What looks like a failure of the moment (500) must come twice, with nothing as large taken
in between. And what was learnt is forgotten after an hour, so that nothing holds for ever.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.upstream.http.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

HELD_S: Final = 3600.0
"""How long what was learnt holds."""

TOO_LARGE: Final = 413
PLAIN: Final = frozenset({400, TOO_LARGE})
"""Statuses that blame the request, so that one lesson is enough."""


@dataclass(frozen=True)
class Lesson:
    """So many images were *refused* together, and *taken* in requests of so many.

    ``status`` is the refusal's, ``body_bytes`` how large the request was.
    """

    refused: int
    taken: int
    status: int
    body_bytes: int


class Capacity:
    """How many images of one form go into a request: at most *images*, and *body_bytes* of them.

    One takes *image_bytes* at most. What holds for *above* (the form that the server describes)
    holds here as well, but not the other way round: what callers' own forms teach is theirs alone.
    ``learning`` is held by whoever tries smaller requests: the others wait, and know then.
    """

    def __init__(
        self,
        images: int,
        body_bytes: int | None = None,
        image_bytes: int = 1,
        above: Capacity | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.learning = asyncio.Lock()
        self._image_bytes = image_bytes
        told = images if body_bytes is None else min(images, body_bytes // image_bytes)
        self._told = max(told, 1)
        self._tight: str | None = None
        if body_bytes is not None and not told and body_bytes < Limits.batch_bytes:
            self._tight = (
                f"one image is up to {image_bytes} bytes of a request, and NEO_UPSTREAM_MAX_BODY"
                f" leaves {body_bytes} for images: one is sent all the same"
            )
            logger.warning("%s", self._tight)
        self._above = above
        self._clock = clock
        self._images: int | None = None
        self._bytes: int | None = None
        self._lesson: Lesson | None = None
        self._doubt: int | None = None
        self._until = 0.0

    @property
    def most(self) -> int:
        """How many images may go into one request now."""
        most = self._told
        for one in (self, self._above):
            if one is not None and one._lesson is not None:  # noqa: SLF001
                one._forget_in_time()  # noqa: SLF001
                most = min([most, *self._learnt(one)])
        return max(most, 1)

    def take_note(self, lesson: Lesson) -> None:
        """Learn from what the server has refused and taken."""
        if lesson.status not in PLAIN and (self._doubt is None or self._doubt < lesson.taken):
            self._doubt = lesson.taken
            return
        before = self.most
        if lesson.status == TOO_LARGE:
            self._bytes = lesson.body_bytes * lesson.taken // lesson.refused
        else:
            self._images = lesson.taken
        self._lesson, self._doubt, self._until = lesson, None, self._clock() + HELD_S
        if self.most < before:
            logger.warning("%s", self._words(lesson))

    def took(self, images: int) -> None:
        """Hear that a request with so many *images* was taken: what was in doubt isn't true."""
        if self._doubt is not None and images > self._doubt:
            self._doubt = None

    @property
    def note(self) -> str | None:
        """What was learnt, or what can't be kept, in words; None where that is nothing."""
        self._forget_in_time()
        return self._tight if self._lesson is None else self._words(self._lesson)

    def _words(self, lesson: Lesson) -> str:
        if lesson.status == TOO_LARGE:
            return (
                f"the upstream takes no more than about {self._bytes} bytes in one request, as it"
                f" has refused {lesson.body_bytes} (413): one has {counted(self.most)} now; set"
                " NEO_UPSTREAM_MAX_BODY to what it takes"
            )
        return (
            f"the upstream takes no more than {counted(lesson.taken)} in one request, as it has"
            f" refused {lesson.refused} ({lesson.status}): set NEO_UPSTREAM_MAX_BATCH to what it"
            " takes"
        )

    def _learnt(self, one: Capacity) -> list[int]:
        """Return how many images of this form what *one* has learnt allows."""
        learnt = [] if one._images is None else [one._images]
        if one._bytes is not None:
            learnt.append(one._bytes // self._image_bytes)
        return learnt

    def _forget_in_time(self) -> None:
        if self._lesson is not None and self._clock() >= self._until:
            self._images = self._bytes = self._lesson = None


def counted(images: int) -> str:
    """Return a number of *images* in words."""
    return "1 image" if images == 1 else f"{images} images"
