"""What Retry-After says, whatever it says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.upstream.http.retry_after import retry_after_s

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("31", 30.0),
        ("9" * 9999, 30.0),
        ("Sun, 01 Mar 2026 12:00:20 GMT", 20.0),
        ("Sun, 01 Mar 2026 14:00:20 +0200", 20.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Mon, 01 Mar 2027 12:00:00 GMT", 30.0),
        ("Sun, 01 Mar 2026 12:00:20 -0000", None),
        ("Sun, 99 Mar 2026 12:00:20 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_seconds_or_a_date(value: str, expected: float | None) -> None:
    """Seconds or a date become seconds, 30 at most; nonsense is no word at all."""
    assert expected == retry_after_s(value, NOW)
