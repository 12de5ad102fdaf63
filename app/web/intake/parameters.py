"""The parameters in a query: each is known, there once, and what it should be.

Errors::

    ParameterError    one isn't
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.datastructures import QueryParams

Word = TypeVar("Word", bound=StrEnum)

SHOWN = 40
"""Characters of a value that a message quotes."""


class ParameterError(Exception):
    """A parameter isn't known, or not what it should be."""


def parameters(query: QueryParams, known: Collection[str]) -> Mapping[str, str]:
    """Return the parameters of *query*, all of them *known*. Raises ParameterError."""
    for name, value in query.multi_items():
        if name not in known:
            message = f"{name[:SHOWN]!r} is no parameter here; these are: {', '.join(known)}"
            raise ParameterError(message)
        if len(query.getlist(name)) > 1:
            message = f"{name} is there more than once"
            raise ParameterError(message)
        if not value:
            message = f"{name} is empty"
            raise ParameterError(message)
    return dict(query)


def number(name: str, text: str, most: int) -> int:
    """Return the whole number that *text* is, from 1 to *most*. Raises ParameterError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
        number = 0
    else:
        number = int(text)
    if not 1 <= number <= most:
        message = f"{name} is {text[:SHOWN]!r}, and must be a whole number from 1 to {most}"
        raise ParameterError(message)
    return number


def one_of(name: str, text: str, words: type[Word]) -> Word:
    """Return the one of *words* that *text* is. Raises ParameterError."""
    try:
        return words(text)
    except ValueError:
        message = f"{name} is {text[:SHOWN]!r}, and must be one of {', '.join(words)}"
        raise ParameterError(message) from None


def moment(name: str, text: str) -> datetime:
    """Return the moment that *text* is, by ISO 8601; without a zone it is in UTC.

    Raises ParameterError.
    """
    try:
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else _in_utc(found)
    except ValueError:
        message = f"{name} is {text[:SHOWN]!r}, and must be a time as 2026-11-28T09:30:00Z"
        raise ParameterError(message) from None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or the last day that there is
        return moment.replace(tzinfo=UTC)
