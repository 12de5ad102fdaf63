"""A line of the log: what it has, in text and in JSON."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Any

import orjson

from app.logs.formats import Json, Text

SECRET = "hunter2"
EVENT = {"event": "breaker.opened", "event_id": "e-1", "facts": {"reason": "away"}}


def record(message: str, *args: object, **more: Any) -> logging.LogRecord:
    """Return a warning of these words, at half past one on a summer's day."""
    error = None if sys.exception() is None else sys.exc_info()
    made = logging.LogRecord("app.x", logging.WARNING, "x.py", 1, message, args, error)
    made.created = 1_782_912_600.25
    vars(made).update(more)
    return made


def fail() -> None:
    """Raise an error whose text quotes something."""
    raise ValueError(SECRET)


def failure(form: logging.Formatter) -> str:
    """Return what is written of an error in this *form*."""
    try:
        fail()
    except ValueError as exc:
        return form.format(record("failed: %s", exc))
    return ""


def test_a_line_of_text() -> None:
    """Time with its zone, process, level, logger and message; then what else is known."""
    made = record("%d images wait", 3, repeated=7, request_id="r-1", **EVENT)
    assert (
        f"2026-07-01T13:30:00.250Z {os.getpid()} WARNING app.x: 3 images wait (7 times)"
        " [request r-1]"
    ) == Text().format(made)


def test_a_line_of_json() -> None:
    """The same as an object, with the event that it tells; what isn't known isn't there."""
    usual = {
        "time": "2026-07-01T13:30:00.250Z",
        "level": "warning",
        "worker": os.getpid(),
        "logger": "app.x",
        "message": "3 images\nwait",
    }
    line = Json().format(record("%d images\nwait", 3))
    assert (usual, 0) == (orjson.loads(line), line.count("\n"))
    assert "a \\udcff" == orjson.loads(Json().format(record("a \udcff")))["message"]
    more = {"repeated": 7, "request_id": "r-1", **EVENT}
    assert usual | more == orjson.loads(Json().format(record("%d images\nwait", 3, **more)))


def test_an_error_is_told_without_its_text_in_each_form() -> None:
    """Among the words and as a traceback."""
    for form in (Text(), Json()):
        line = failure(form)
        assert SECRET not in line
        assert re.search(r"failed: ValueError at tests/logs/test_formats.py:\d+ in ", line)
        assert "in fail" in line


def test_a_line_of_json_has_the_places_of_an_error_in_a_list() -> None:
    """So that a line is a line."""
    assert "ValueError" == orjson.loads(failure(Json()))["trace"][-1]
