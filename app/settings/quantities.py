"""From the words in the environment to numbers: pure functions that raise ValueError.

They get a default or an argument as it is, so each lets through what is a value already.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from app.ports import InputSize

if TYPE_CHECKING:
    from collections.abc import Mapping

_AMOUNT = re.compile(r"(?P<number>\d{1,15}(?:\.\d+)?)\s*(?P<unit>[a-z]*)", re.IGNORECASE)
_BYTES = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_PIXELS = {"": 1, "px": 1, "kpx": 1e3, "mpx": 1e6}
_LIFETIMES = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86400}
_SECONDS = {"": 1, "ms": 1e-3, "s": 1, "min": 60}
LONGEST_S = 100 * 366 * 86400.0
GREY, COLOUR = 1, 3
_SIDES = re.compile(r"\d{1,5}(?:\s*x\s*\d{1,5}){0,2}", re.IGNORECASE)


def byte_count(value: str | int) -> int:
    """Return the bytes that *value* stands for: `10 MiB`, `10MB`, `10485760`."""
    return value if isinstance(value, int) else math.floor(_amount(value, _BYTES))


def pixel_count(value: str | int) -> int:
    """Return the pixels that *value* stands for: `16 Mpx`, `16000000`."""
    return value if isinstance(value, int) else math.floor(_amount(value, _PIXELS))


def seconds(value: str | float) -> float:
    """Return the seconds that *value* stands for: `10 s`, `500 ms`, `10`."""
    return _amount(value, _SECONDS) if isinstance(value, str) else value


def lifetime(value: str | timedelta) -> timedelta:
    """Return how long *value* stands for: `30 d`, `12 h`, `90 min`, `3600`."""
    if isinstance(value, timedelta):
        return value
    return timedelta(seconds=min(_amount(value, _LIFETIMES), LONGEST_S))


def input_size(value: str | InputSize) -> InputSize:
    """Return the size in *value*: `48`, `48x64` (height x width), `48x64x3` (and channels).

    Where no channels are told there are three.
    """
    if isinstance(value, InputSize):
        return value
    if not _SIDES.fullmatch(value.strip()):
        message = f"{value!r} is not a height, width and channels"
        raise ValueError(message)
    sides = [int(side) for side in value.lower().split("x")]
    height, width = sides[0], sides[1] if len(sides) > 1 else sides[0]
    channels = sides[2] if len(sides) > 2 else COLOUR  # noqa: PLR2004  # height, width, channels
    if not height or not width:
        message = f"{value!r} has no pixels"
        raise ValueError(message)
    if channels not in {GREY, COLOUR}:
        message = f"{channels} channels are neither grey (1) nor colour (3)"
        raise ValueError(message)
    return InputSize(height, width, channels)


def ratio(value: str | float) -> str | float:
    """Return what *value* stands for where it is a ratio, as `1/255`; else *value* as it is."""
    above, slash, below = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not slash:
        return value
    try:
        return float(above) / float(below)
    except (ValueError, ZeroDivisionError):
        message = f"{value!r} is not a number, or one number divided by another"
        raise ValueError(message) from None


def channel_values(value: str | tuple[float, ...]) -> tuple[float, ...]:
    """Return the numbers in *value*: one for all channels, or three with commas between them."""
    if isinstance(value, tuple):
        return value
    try:
        numbers = tuple(float(ratio(part)) for part in value.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in {1, 3} or not all(math.isfinite(number) for number in numbers):
        message = f"{value!r} is not one number, or one for each of three channels"
        raise ValueError(message)
    return numbers


def _amount(text: str, units: Mapping[str, float]) -> float:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match["unit"].lower() not in units:
        message = f"{text!r} is not a number with one of the units {', '.join(filter(None, units))}"
        raise ValueError(message)
    return float(match["number"]) * units[match["unit"].lower()]
