"""Trouble that goes on doesn't fill the log."""

from __future__ import annotations

import logging

from app.logs.repeats import Repeats


def written(repeats: Repeats, level: int, message: str, *words: object) -> int | None:
    """Return how often it was to be said, if it is written now; else None."""
    record = logging.LogRecord("app.x", level, "x.py", 1, message, words, None)
    return getattr(record, "repeated", 1) if repeats.filter(record) else None


def test_trouble_is_said_once_and_then_every_half_minute_with_its_count() -> None:
    """Other words are another trouble; what is less than a warning is always said."""
    now = 0.0
    repeats = Repeats(lambda: now)
    assert [1, None, None] == [written(repeats, logging.ERROR, "%s broke", "one") for _ in "abc"]
    assert [1, 1] == [
        written(repeats, logging.ERROR, "%s broke", "other"),
        written(repeats, logging.WARNING, "%s broke", "one"),
    ]
    assert [1, 1] == [written(repeats, logging.INFO, "%s broke", "one") for _ in "ab"]
    now = 30.0
    assert 3 == written(repeats, logging.ERROR, "%s broke", "one")


def test_an_error_among_the_words_is_the_same_as_another_of_its_kind() -> None:
    """What its text says, which the log leaves out, makes no difference."""
    repeats = Repeats(lambda: 0.0)
    errors = (ValueError("one"), ValueError("other"), TypeError("one"))
    assert [1, None, 1] == [written(repeats, logging.ERROR, "failed: %s", one) for one in errors]
