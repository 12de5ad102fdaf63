"""What every record has of: times, counts, boxes and pixels, as JSON has them and back."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from app.detection.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 2**31
"""Above every class, count and side of an image."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class EncodingError(ValueError):
    """These bytes are not what they should be."""

    def __init__(self, *, what: str) -> None:
        super().__init__(f"not a readable {what}")


def encode_time(moment: datetime) -> int:
    """Return *moment* in microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def decode_time(microseconds: int) -> datetime:
    """Return the moment that `encode_time` was given. Raises EncodingError."""
    try:
        return EPOCH + microseconds * MICROSECOND
    except OverflowError as exc:
        raise EncodingError(what="time") from exc


def share(value: float) -> float:
    """Return *value*, 0 to 1. Raises EncodingError if it is none."""
    if not 0 <= value <= 1:  # NaN isn't either
        raise EncodingError(what="share")
    return value


def count_of(value: int) -> int:
    """Return *value*, a count, a class or a side. Raises EncodingError if it is none."""
    if not 0 <= value < LARGEST:
        raise EncodingError(what="count")
    return value


def is_inside(box: Box, width: int, height: int) -> bool:
    """Say if *box* is in an image of this size."""
    return box.x + box.width <= width and box.y + box.height <= height


def box_fields(box: Box) -> list[int]:
    """Return *box* as JSON has it."""
    return [int(box.x), int(box.y), int(box.width), int(box.height)]


def box_of(fields: object) -> Box:
    """Return the box that these *fields* of JSON are. Raises EncodingError."""
    match fields:
        case [int(x), int(y), int(width), int(height)] if min(x, y, width - 1, height - 1) >= 0:
            return Box(x, y, width, height)
        case _:
            raise EncodingError(what="box")


def pixel_fields(pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """Return *pixels* as JSON has them."""
    return {"shape": list(pixels.shape), "base64": base64.b64encode(pixels.tobytes()).decode()}


def pixels_of(fields: object) -> NDArray[np.uint8]:
    """Return the pixels that these *fields* of JSON are. Raises EncodingError."""
    match fields:
        case {"shape": [*shape], "base64": str(text)}:
            try:
                pixels = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
                pixels = pixels.reshape(shape)
            except (binascii.Error, TypeError, ValueError) as exc:
                raise EncodingError(what="pixels") from exc
            if pixels.shape != tuple(shape):  # a side of -1 has been worked out
                raise EncodingError(what="pixels")
            return pixels
        case _:
            raise EncodingError(what="pixels")


def parsed(data: bytes | str) -> object:
    """Return the JSON in *data*. Raises EncodingError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise EncodingError(what="JSON") from exc
