"""From the words of a command line to values; a ValueError says what is wrong with one."""

from __future__ import annotations

import enum
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ports import InputSize
    from app.settings import Layout, SearchMode, Strategy

# What reads the words is imported when there are some: the other commands start in no time.

INTERRUPTED = 130
"""The exit code that shells give to what Ctrl-C has ended."""

Choice = TypeVar("Choice", bound=enum.StrEnum)

existing = partial(click.Path, exists=True, path_type=Path)
written_file = click.Path(dir_okay=False, writable=True, path_type=Path)


class Parsed(click.ParamType[Any]):
    """What a function makes of a word; its ValueError says what is wrong."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401  # as click has it
        """Return the value of a word; what is a value already stays."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


def address(text: str) -> str:
    """Return an http(s) address."""
    from app.settings.sources import base_url  # noqa: PLC0415

    return base_url(text)


def class_names(text: str) -> tuple[str, ...]:
    """Return the names in the file *text*."""
    from app.settings.sources import class_names  # noqa: PLC0415

    return class_names(text)


def names(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    from app.settings.sources import names  # noqa: PLC0415

    return names(text)


def size(text: str) -> InputSize:
    """Return the size of a model's images."""
    from app.settings.quantities import input_size  # noqa: PLC0415

    return input_size(text)


def channel_values(text: str) -> tuple[float, ...]:
    """Return one number, or one for each channel."""
    from app.settings.quantities import channel_values  # noqa: PLC0415

    return channel_values(text)


def divisors(text: str) -> tuple[float, ...]:
    """Return the same, none of them 0."""
    values = channel_values(text)
    if 0 in values:
        message = "nothing can be divided by 0"
        raise ValueError(message)
    return values


def scale(text: str) -> float:
    """Return a number above 0, which may be a ratio."""
    from app.settings.quantities import ratio  # noqa: PLC0415

    try:
        number = float(ratio(text))
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        message = f"{text!r} is not a number above 0"
        raise ValueError(message)
    return number


def layout(text: str) -> Layout:
    """Return the order of the axes of a model's input."""
    from app.settings import Layout  # noqa: PLC0415

    return one_of(Layout, text.upper())


def strategy(text: str) -> Strategy:
    """Return how images are screened."""
    from app.settings import Strategy  # noqa: PLC0415

    return one_of(Strategy, text.lower())


def search(text: str) -> SearchMode:
    """Return what happens to the search after the first trigger."""
    from app.settings import SearchMode  # noqa: PLC0415

    return one_of(SearchMode, text.lower())


def one_of(choices: type[Choice], text: str) -> Choice:
    """Return the one of *choices* that *text* is."""
    if text not in set(choices):
        message = f"{text!r} is none of {', '.join(choices)}"
        raise ValueError(message)
    return choices(text)


def share(text: str) -> float:
    """Return a share above 0, up to 1: `0.001`, `0.1%`, `1/1000`."""
    from app.settings.quantities import ratio  # noqa: PLC0415

    per_cent = text.rstrip().removesuffix("%")
    try:
        number = float(ratio(per_cent)) / (1 if per_cent == text.rstrip() else 100)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1:
        message = f"{text!r} is not a share above 0 and up to 1, e.g. 0.1%"
        raise ValueError(message)
    return number
