"""The log has no text of an error: that may quote a key, pixels or a body."""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
from typing import TYPE_CHECKING

import pytest

from app.failures import ASKED_BY
from app.logs import tell_unhandled, told
from app.logs.formats import WORDS, Discreet
from app.ports import (
    LibraryError,
    PortError,
    UpstreamAnswerError,
    UpstreamBusyError,
    UpstreamStatusError,
    UpstreamUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return what the log has, as the program writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Discreet(WORDS))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield stream
    finally:
        root.removeHandler(handler)


def _fail(message: str) -> None:
    raise ValueError(message)


def _fail_for_a_reason() -> None:
    try:
        _fail(SECRET)
    except ValueError as exc:
        raise LibraryError(SECRET) from exc


async def _fail_together() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(_fail, SECRET))


def test_errors_among_the_words(log: io.StringIO) -> None:
    """An error that is logged by its name alone is told by its class and its place."""
    try:
        _fail(SECRET)
    except ValueError as exc:
        logging.getLogger("app.x").warning("failed: %s, %r", exc, exc)
    assert SECRET not in log.getvalue()
    assert "WARNING app.x: failed: ValueError at tests/logs/test_errors.py:" in log.getvalue()


def test_causes_are_told(log: io.StringIO) -> None:
    """A traceback has each error's class and its places, from the cause to the effect."""
    try:
        _fail_for_a_reason()
    except LibraryError:
        logging.getLogger("app.x").exception("failed")
    lines = log.getvalue().splitlines()
    assert SECRET not in log.getvalue()
    assert "ERROR app.x: failed" == lines[0]
    assert lines.index("ValueError") < lines.index("and then:") < lines.index("LibraryError")
    assert any(line.endswith(" in _fail") for line in lines)


async def test_errors_of_several_tasks_are_told(log: io.StringIO) -> None:
    """The log names each error of a group."""
    try:
        await _fail_together()
    except ExceptionGroup:
        logging.getLogger("app.x").exception("failed")
    lines = log.getvalue().splitlines()
    assert SECRET not in log.getvalue()
    assert lines.index("ExceptionGroup") < lines.index("of which:") < lines.index("ValueError")


async def test_unhandled_error_of_a_task(log: io.StringIO) -> None:
    """What asyncio says of a task that nobody waited for has no text either."""

    async def fail() -> None:
        _fail(SECRET)

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(tell_unhandled)
    task = loop.create_task(fail())
    await asyncio.wait([task])
    del task
    assert SECRET not in log.getvalue()
    assert "ERROR app.logs: Task exception was never retrieved" in log.getvalue()
    assert "in _fail" in log.getvalue()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            UpstreamUnreachableError("models:80: no connection"),
            "models:80: no connection (see NEO_UPSTREAM_URL)",
        ),
        (UpstreamBusyError("2,000 images wait"), "2,000 images wait"),
        (UpstreamStatusError(503, SECRET), "the upstream answered 503"),
        (UpstreamAnswerError(f"it says {SECRET}", SECRET), f"it says … (see {ASKED_BY})"),
        (LibraryError(SECRET), "LibraryError"),
        (PortError(SECRET), "PortError"),
        (ValueError(SECRET), "ValueError"),
    ],
)
def test_what_is_told(error: Exception, said: str) -> None:
    """An error whose words are all our own is told in them; another one by its class."""
    assert said == told(error)


def test_what_the_system_says_is_told() -> None:
    """By its number: what the error quotes, a path say, may be anybody's word."""
    error = FileNotFoundError(errno.ENOENT, SECRET, SECRET)
    expected = f"FileNotFoundError ({os.strerror(errno.ENOENT).lower()})"
    assert expected == told(error)
    assert "OSError" == told(OSError(123456, SECRET))
