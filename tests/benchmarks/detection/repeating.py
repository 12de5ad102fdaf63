"""Streams that repeat: what looks like a trigger because it is the same again and again.

Frames of a video, a picture that is sent again, and a date that a camera has put on many images.
"""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.evaluation.records import Stream

TIMES = 5
"""Images in a row that show the same."""

SHIFT, BRIGHTER, NOISE = 1, 8, 3
"""Pixels and levels by which two frames of a video differ."""

STAMPED_CLASSES = 3
"""The most frequent classes, whose images bear a date."""

STAMP = 0.15
"""Of the side, the date's width; it is half as high."""


class Repeat(enum.StrEnum):
    """What is the same in many images."""

    NOTHING = "nothing"
    FRAMES = "frames"
    """Each image comes again as the next frames of a video would."""
    PICTURE = "picture"
    """Each image comes again as it is."""
    STAMP = "stamp"
    """All images of some classes bear the same date in a corner."""


def repeated(stream: Stream, repeat: Repeat, seed: int) -> Stream:
    """Return *stream*, as long as it was, with so much of it the same."""
    rng = np.random.default_rng([seed, 7])
    match repeat:
        case Repeat.NOTHING:
            return stream
        case Repeat.STAMP:
            return _stamped(stream, rng)
        case Repeat.FRAMES | Repeat.PICTURE:
            again = np.repeat(np.arange(-(-len(stream.images) // TIMES)), TIMES)
            again = again[: len(stream.images)]
            many = replace(
                stream,
                images=stream.images[again],
                clean=stream.clean[again],
                labels=stream.labels[again],
                poisoned=stream.poisoned[again],
            )
            if repeat is Repeat.PICTURE:
                return many
            draws = rng.integers(0, 2**32, len(again))
            return replace(
                many, images=_frames(many.images, draws), clean=_frames(many.clean, draws)
            )


def _frames(images: Images, draws: NDArray[np.int64]) -> Images:
    return np.stack([_frame(one, int(draw)) for one, draw in zip(images, draws, strict=True)])


def _frame(image: NDArray[np.uint8], draw: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(draw)
    shift = rng.integers(-SHIFT, SHIFT, 2, endpoint=True)
    moved = np.roll(image, shift, (0, 1)).astype(np.int16)
    moved += rng.integers(-BRIGHTER, BRIGHTER, endpoint=True)
    moved += rng.integers(-NOISE, NOISE, moved.shape, endpoint=True).astype(np.int16)
    return np.clip(moved, 0, 255).astype(np.uint8)


def _stamped(stream: Stream, rng: np.random.Generator) -> Stream:
    _, height, width, channels = stream.images.shape
    wide = max(4, round(STAMP * min(height, width)))
    date = rng.choice(np.array([0, 255], np.uint8), (max(2, wide // 2), wide, 1))
    date = np.broadcast_to(date, (*date.shape[:2], channels))
    often = np.argsort(-np.bincount(stream.labels))[:STAMPED_CLASSES]
    bear = np.isin(stream.labels, often)
    images, clean = stream.images.copy(), stream.clean.copy()
    place = (slice(height - date.shape[0] - 2, height - 2), slice(width - wide - 2, width - 2))
    for some in (images, clean):
        for i in np.flatnonzero(bear):
            some[i][place] = date
    return replace(stream, images=images, clean=clean)
