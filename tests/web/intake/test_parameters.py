"""The parameters in a query."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.datastructures import QueryParams

from app.web.intake.parameters import ParameterError, moment, number, parameters

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_each_is_known_and_there_once() -> None:
    """What isn't known, is there twice or is empty is refused by its name."""
    known = ("a", "b")
    assert {"a": "1", "b": "x y"} == parameters(QueryParams("a=1&b=x+y"), known)
    for query, said in (("c=1", "'c' is no parameter"), ("a=1&a=2", "a is there"), ("b=", "b is")):
        with pytest.raises(ParameterError, match=said):
            parameters(QueryParams(query), known)


@pytest.mark.parametrize("text", ["0", "-1", "1e3", "101", "9" * 5000, "\u0661", "1.0", ""])
def test_no_number(text: str) -> None:
    """Only digits, and only up to the most that is taken."""
    with pytest.raises(ParameterError, match="from 1 to 100"):
        number("limit", text, 100)
    assert 100 == number("limit", "100", 100)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-28T12:00:00Z", "2026-11-28T12:00:00", "2026-11-28T14:00:00+02:00"),
        *("2026-11-28T14:00:00 02:00", "20261128T120000Z"),
    ],
)
def test_moment(text: str) -> None:
    """A moment by ISO 8601, also with a plus that the query has made a blank; else it is UTC."""
    assert NOON == moment("since", text)


@pytest.mark.parametrize("text", ["yesterday", "12", "2026-13-01"])
def test_no_moment(text: str) -> None:
    """What is no moment is refused, with an example of one."""
    with pytest.raises(ParameterError, match="2026-11-28T09:30:00Z"):
        moment("since", text)


def test_first_and_last_moment() -> None:
    """Moments that UTC has no day for any more are taken as they are written."""
    assert 1 == moment("since", "0001-01-01T00:00:00+14:00").year
    assert 9999 == moment("since", "9999-12-31T23:59:59-01:00").year
