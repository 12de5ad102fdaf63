"""A circuit breaker: an upstream out of reach is left alone, but for a trial now and then.

Pure: it is told what became of each request and when, in seconds of any one clock. What counts is
that the server is out of reach (`absent`): an answer that can't be used is an answer all the same,
and so is an error that an image's content may have caused.

A request that began before the breaker last opened or closed says nothing new: one that hung before
the server came back mustn't open it again. A trial that never ends (its caller has gone, or the
server hangs) is followed by another one.
"""

from __future__ import annotations

import enum
import math
from typing import Final

from app.ports import (
    UpstreamError,
    UpstreamOpenError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)

FAILURES: Final = 5
"""Failures in a row that open it."""
COOL_DOWN_S: Final = 0.5
"""From the opening to the first trial; doubled by each trial that fails."""
LONGEST_COOL_DOWN_S: Final = 5.0
"""The longest time between two trials: a server that comes back is noticed within it."""
ABSENT: Final = frozenset({429, 502, 503, 504})
"""Statuses of a server, or of a proxy before it, that doesn't work on the request at all."""


class State(enum.IntEnum):
    """The breaker's state; the numbers are those that Prometheus gets."""

    CLOSED = 0
    """All is well."""
    HALF_OPEN = 1
    """A trial is under way."""
    OPEN = 2
    """Nothing is asked before the next trial's time."""


class Breaker:
    """The breaker of one server.

    ``last`` is what the last failure said, ``last_summary`` the same without the server's words. An
    ``inference`` is a request for answers. Other requests (health, metadata) may be answered by a
    server whose model is gone: they end a row of failures only if no inference is among them.
    """

    def __init__(self) -> None:
        self.state = State.CLOSED
        self._failures = 0
        self._inference_failed = False
        self.last = self.last_summary = ""
        self._changed_at = self._trial_at = -math.inf
        self._cool_down_s = COOL_DOWN_S

    def admit(self, now: float) -> None:
        """Let a request pass, maybe as a trial. Raises UpstreamOpenError if it may not."""
        if self.state is State.CLOSED:
            return
        if now < self._trial_at:
            wait_s = self._trial_at - now
            summary = f"circuit breaker open: {self.last_summary}"  # without a countdown
            raise UpstreamOpenError(self._words(now), wait_s, summary)
        self.state = State.HALF_OPEN
        self._trial_at = now + LONGEST_COOL_DOWN_S

    def answered(self, began: float, now: float, *, inference: bool) -> None:
        """Hear that a request, admitted at *began*, was answered."""
        if began < self._changed_at:
            return
        if inference or not self._inference_failed:
            self._close(now)
        elif self.state is not State.CLOSED:
            self._wait(now)  # not at all: the next request, an inference perhaps, is the trial

    def failed(self, error: UpstreamError, began: float, now: float, *, inference: bool) -> None:
        """Hear that a request, admitted at *began*, failed with *error*."""
        if not absent(error):
            self.answered(began, now, inference=inference)
            return
        if began < self._changed_at:
            return
        self._failures += 1
        self._inference_failed |= inference
        self.last, self.last_summary = error.explained, error.summary or type(error).__name__
        if self.state is not State.CLOSED:
            self._cool_down_s = min(2 * self._cool_down_s, LONGEST_COOL_DOWN_S)
        elif self._failures >= FAILURES:
            self._changed_at = now
        else:
            return
        self._wait(now + max(self._cool_down_s, error.retry_after_s or 0.0))

    def abandoned(self, began: float, now: float) -> None:
        """Hear that nobody waits any more for a request admitted at *began*."""
        if self.state is State.HALF_OPEN and began >= self._changed_at:
            self._wait(now)

    def _wait(self, trial_at: float) -> None:
        self.state = State.OPEN
        self._trial_at = trial_at

    def _close(self, now: float) -> None:
        if self.state is not State.CLOSED:
            self._changed_at = now
        self.state = State.CLOSED
        self._failures = 0
        self._inference_failed = False
        self._cool_down_s = COOL_DOWN_S

    def _words(self, now: float) -> str:
        failures = f"after {self._failures} failures"
        if self.state is State.HALF_OPEN:
            return f"circuit breaker half-open {failures}, a trial is under way: {self.last}"
        wait = math.ceil(self._trial_at - now)
        return f"circuit breaker open {failures}, next trial in {wait} s: {self.last}"


def absent(error: UpstreamError) -> bool:
    """Say if *error* means that the server isn't there."""
    match error:
        case UpstreamUnreachableError() | UpstreamTimeoutError():
            return True
        case UpstreamStatusError(status=status):
            return status in ABSENT
        case _:
            return False
