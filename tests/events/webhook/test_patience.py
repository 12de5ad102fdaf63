"""How long a receiver is waited for."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from app.events.webhook.patience import LONGEST_ASKED_S, Outcome, Patience, outcome

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        *((status, Outcome.SENT) for status in (200, 202, 204, 299)),
        *((status, Outcome.REFUSED) for status in (301, 302, 307, 400, 401, 404, 413)),
        *((status, Outcome.LATER) for status in (408, 429, 500, 502, 503, 504)),
        (410, Outcome.GONE),
    ],
)
def test_what_an_answer_means(status: int, meant: Outcome) -> None:
    """Success, not now, not this, nothing more."""
    assert meant is outcome(status)


def test_pauses_double_up_to_five_minutes() -> None:
    """Each has up to half of it more by chance, and none is shorter than the receiver asks for."""
    patience = Patience(NOON, random.Random(1))  # noqa: S311  # a test's
    pauses = [patience.pause_s(None) for _ in range(12)]
    usual = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert all(s <= pause <= 1.5 * s for s, pause in zip(usual, pauses, strict=True)), pauses
    assert 12 == len({pause / s for s, pause in zip(usual, pauses, strict=True)})
    assert 1000 <= patience.pause_s(1000.0) <= 1500
    assert patience.pause_s(1e9) <= 1.5 * LONGEST_ASKED_S


def test_an_event_is_given_up_after_a_day_or_five_refusals() -> None:
    """Whatever comes first."""
    patience = Patience(NOON, random.Random(1))  # noqa: S311  # as above
    day = timedelta(days=1)
    assert not patience.is_over(Outcome.LATER, NOON + day)
    assert patience.is_over(Outcome.LATER, NOON + day + timedelta(seconds=1))
    assert [False] * 4 + [True] == [patience.is_over(Outcome.REFUSED, NOON) for _ in range(5)]
