"""When the upstream is left alone, and when it is tried again."""

from __future__ import annotations

import pytest

from app.ports import (
    UpstreamAnswerError,
    UpstreamError,
    UpstreamOpenError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.upstream.http.breaker import FAILURES, Breaker, State

GONE = UpstreamUnreachableError("no connection")


def fail(breaker: Breaker, *times: float, error: UpstreamError = GONE) -> None:
    """Let a request for answers fail at each of *times*."""
    for now in times:
        breaker.admit(now)
        breaker.failed(error, now, now, inference=True)


def opened(at: float = 0.0, error: UpstreamError = GONE) -> Breaker:
    """Return a breaker that has opened *at* that time."""
    breaker = Breaker()
    fail(breaker, *[at] * FAILURES, error=error)
    return breaker


def state(breaker: Breaker) -> State:
    """Return the breaker's state as it is now."""
    return breaker.state


def refused_s(breaker: Breaker, now: float) -> float:
    """Return in how many seconds the breaker lets the next trial pass."""
    with pytest.raises(UpstreamOpenError) as caught:
        breaker.admit(now)
    assert caught.value.retry_after_s is not None
    return caught.value.retry_after_s


@pytest.mark.parametrize(
    "error",
    [
        GONE,
        UpstreamTimeoutError("late"),
        *[UpstreamStatusError(status, "away") for status in (429, 502, 503, 504)],
    ],
)
def test_absence_opens_it(error: UpstreamError) -> None:
    """The fifth failure in a row to reach the server opens the breaker, and none before."""
    breaker = Breaker()
    fail(breaker, 0, 1, 2, 3, error=error)
    assert State.CLOSED is state(breaker)
    fail(breaker, 4, error=error)
    assert State.OPEN is state(breaker)
    assert 0.5 == refused_s(breaker, 4)


@pytest.mark.parametrize(
    "error",
    [UpstreamAnswerError("NaN"), *[UpstreamStatusError(status, "bad") for status in (400, 500)]],
)
def test_what_an_image_may_have_caused_does_not(error: UpstreamError) -> None:
    """A malformed answer and a server's own error are answers: they even end a row of failures."""
    breaker = Breaker()
    fail(breaker, *[0] * 99, error=error)
    fail(breaker, 0, 0, 0, 0)
    fail(breaker, 0, error=error)
    fail(breaker, 0, 0, 0, 0)
    assert State.CLOSED is state(breaker)


def test_a_good_answer_ends_the_row() -> None:
    """Failures with an answer between them aren't in a row."""
    breaker = Breaker()
    for _ in range(9):
        fail(breaker, 0, 0, 0, 0)
        breaker.answered(0, 0, inference=True)
    assert State.CLOSED is state(breaker)


def test_one_trial_at_a_time() -> None:
    """After the cool-down one request passes, and the others still don't."""
    breaker = opened()
    assert pytest.approx(0.1) == refused_s(breaker, 0.4)
    breaker.admit(0.5)
    assert State.HALF_OPEN is state(breaker)
    refused_s(breaker, 0.5)
    refused_s(breaker, 3.0)
    breaker.answered(0.5, 3.5, inference=True)
    assert State.CLOSED is state(breaker)
    breaker.admit(3.5)
    breaker.admit(3.5)


def test_the_cool_down_doubles_to_five_seconds() -> None:
    """Each failed trial is followed by twice the wait, five seconds at most; success forgets it."""
    breaker, now, waits = opened(), 0.0, []
    for _ in range(6):
        waits.append(refused_s(breaker, now))
        now += waits[-1]
        fail(breaker, now)
    assert [0.5, 1.0, 2.0, 4.0, 5.0, 5.0] == waits

    breaker.admit(now + 5)
    breaker.answered(now + 5, now + 5, inference=True)
    fail(breaker, *[now + 5] * FAILURES)
    assert 0.5 == refused_s(breaker, now + 5)


def test_the_upstreams_own_wish_is_honoured() -> None:
    """A server that says when it wants to be asked again is asked then, and not before."""
    full = UpstreamStatusError(503, "full", 20.0)
    breaker = opened(error=full)
    assert 20.0 == refused_s(breaker, 0)
    fail(breaker, 20, error=full)
    assert 20.0 == refused_s(breaker, 20)
    fail(breaker, 40, error=UpstreamStatusError(503, "full", 0.0))
    assert 2.0 == refused_s(breaker, 40)


def test_an_abandoned_trial_makes_room_for_the_next() -> None:
    """If the trial's caller goes, the next request is the trial."""
    breaker = opened()
    breaker.admit(1)
    breaker.abandoned(1, 1.2)
    assert State.OPEN is state(breaker)
    breaker.admit(1.2)
    breaker.answered(1.2, 1.3, inference=True)
    assert State.CLOSED is state(breaker)


def test_a_trial_without_an_end_is_followed_by_another() -> None:
    """A trial that hangs blocks others for five seconds, and its own end changes nothing then."""
    breaker = opened()
    breaker.admit(1)
    assert 5.0 == refused_s(breaker, 1)
    breaker.admit(6)
    breaker.answered(6, 7, inference=True)
    breaker.failed(GONE, 1, 8, inference=True)
    breaker.abandoned(1, 8)
    assert State.CLOSED is state(breaker)
    fail(breaker, 9, 9, 9, 9)
    assert State.CLOSED is state(breaker)


def test_what_began_before_it_opened_says_nothing_new() -> None:
    """Requests that hung with those that opened it neither close it nor lengthen its cool-down."""
    breaker = opened(at=10)
    breaker.failed(GONE, 3, 10.1, inference=True)
    breaker.answered(4, 10.2, inference=True)
    breaker.abandoned(5, 10.3)
    assert State.OPEN is state(breaker)
    assert pytest.approx(0.2) == refused_s(breaker, 10.3)


def test_what_began_before_it_closed_does_not_open_it_again() -> None:
    """A server that is back isn't given up for what hung before."""
    breaker = opened(at=10)
    breaker.admit(11)
    breaker.answered(11, 12, inference=True)
    for _ in range(9):
        breaker.failed(GONE, 9, 13, inference=True)
    assert State.CLOSED is state(breaker)


def test_a_health_check_does_not_hide_a_model_that_is_gone() -> None:
    """A server that is well and doesn't infer: its health neither ends the row nor closes it."""
    breaker = Breaker()
    for now in range(FAILURES):
        fail(breaker, now)
        breaker.answered(now, now, inference=False)
    assert State.OPEN is state(breaker)
    breaker.admit(9)
    breaker.answered(9, 9, inference=False)
    assert State.OPEN is state(breaker)
    breaker.admit(9)  # and what follows at once is the trial
    breaker.answered(9, 9, inference=True)
    assert State.CLOSED is state(breaker)


def test_a_server_that_was_only_asked_for_its_health() -> None:
    """Before the first inference its health and its metadata are what opens and closes it."""
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(GONE, 0, 0, inference=False)
    assert State.OPEN is state(breaker)
    breaker.admit(1)
    breaker.answered(1, 1, inference=False)
    assert State.CLOSED is state(breaker)


def test_its_words() -> None:
    """A refused request hears how often it failed, when the next trial is, and the last error."""
    breaker = opened()
    with pytest.raises(UpstreamOpenError, match=r"^circuit breaker open after 5 failures, next "):
        breaker.admit(0.1)
    fail(breaker, 1, 3)
    with pytest.raises(UpstreamOpenError, match=r"after 7 failures, next trial in 2 s: no conn"):
        breaker.admit(3.5)
    breaker.admit(9)
    with pytest.raises(UpstreamOpenError, match=r"half-open after 7 failures, a trial is under"):
        breaker.admit(9)
