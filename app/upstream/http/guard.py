"""What every request to the upstream passes: the circuit breaker and the counters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from app import metrics
from app.events import Events, Kind
from app.ports import (
    OtherModelError,
    UpstreamAnswerError,
    UpstreamError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.upstream.http.breaker import Breaker, State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_FAILURES = (
    *(UpstreamUnreachableError, UpstreamTimeoutError, UpstreamStatusError),
    *(UpstreamAnswerError, OtherModelError),
)
metrics.known(metrics.UPSTREAM_FAILURES, *(error.__name__ for error in _FAILURES))


class Guard:
    """Lets requests to one server pass while it is within reach.

    That it isn't is an event only once it has given answers: until then it is waited for, as a
    gateway may be started before its model.
    """

    def __init__(self, events: Events | None = None) -> None:
        self._events = events or Events()
        self._breaker = Breaker()
        self._shown = State.CLOSED
        self._met = self._told = False
        metrics.BREAKER_STATE.set(State.CLOSED)

    @property
    def closed(self) -> bool:
        """Whether every request passes."""
        return self._breaker.state is State.CLOSED

    async def ask(
        self, send: Callable[[], Awaitable[T]], *, inference: bool, ours: bool = True
    ) -> T:
        """Return what *send* returns. Raises UpstreamOpenError at once while the breaker is open.

        An *inference* is a request for answers. What isn't *ours* alone can't open the breaker.
        """
        time = asyncio.get_running_loop().time
        breaker, began = self._breaker, time()
        breaker.admit(began)
        self._show()
        metrics.UPSTREAM_REQUESTS.inc()
        try:
            reply = await send()
        except UpstreamError as exc:
            if ours:
                breaker.failed(exc, began, time(), inference=inference)
            else:
                breaker.abandoned(began, time())
            if not isinstance(
                exc, UpstreamAnswerError
            ):  # the batcher counts these: it sees them all
                count_failure(exc)
            raise
        except BaseException:
            breaker.abandoned(began, time())
            raise
        else:
            self._met |= inference
            breaker.answered(began, time(), inference=inference and ours)
            return reply
        finally:
            if inference:
                metrics.UPSTREAM_SECONDS.observe(time() - began)
            self._show()

    def _show(self) -> None:
        state = self._breaker.state
        if state is self._shown:
            return
        if self._shown is State.CLOSED:
            metrics.BREAKER_OPENED.inc()
            self._told = self._met
            if self._told:
                self._events.tell(Kind.BREAKER_OPENED, reason=self._breaker.last_summary)
        elif state is State.CLOSED and self._told:
            self._events.tell(Kind.BREAKER_CLOSED)
        self._shown = state
        metrics.BREAKER_STATE.set(state)


def count_failure(error: UpstreamError) -> None:
    """Count a request that brought no usable answer."""
    metrics.UPSTREAM_FAILURES.labels(type(error).__name__).inc()
