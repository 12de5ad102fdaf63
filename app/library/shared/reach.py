"""Whether the shared store is within reach, for the owner, the log and the metrics."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from app import metrics
from app.events import Kind
from app.logs import told
from app.ports import PortError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.events import Events

logger = logging.getLogger(__name__)

LASTING_S: Final = 1.0
"""How long it must be away for an event: one slow answer is none."""


class Reach:
    """What is wrong with each *part* of the traffic with the store, if anything is.

    *clock* is in seconds. It is asked for again and again: so it is told when an attempt fails that
    comes so much later than the first one that did.
    """

    def __init__(
        self, events: Events, clock: Callable[[], float] = time.monotonic, **problems: str
    ) -> None:
        self._events = events
        self._clock = clock
        self._problems = problems
        self._lost_at: float | None = None
        self._lost = False
        self._said: set[str] = set()
        metrics.STORE_UP.set(not problems)

    def problem(self, part: str | None = None) -> str | None:
        """Say what is wrong with *part*, or with any; None when all is well."""
        if part is not None:
            return self._problems.get(part)
        return next(iter(self._problems.values()), None)

    @contextmanager
    def noting(self, part: str) -> Iterator[None]:
        """Note if the block succeeds or fails; the error goes on its way."""
        try:
            yield
        except Exception as exc:
            self._failed(part, exc)
            raise
        if self._problems.pop(part, None):
            if self._lost_at is None:
                logger.info("%s are shared", part)
            metrics.STORE_UP.set(not self._problems)
            if not self._problems:
                self._said.clear()
                self._lost_at = None
                if self._lost:
                    self._lost = False
                    self._events.tell(Kind.GATEWAY_RECOVERED, part="store")

    def _failed(self, part: str, error: Exception) -> None:
        problem = error.explained if isinstance(error, PortError) else str(error)
        why = told(error)
        if not self._problems:
            metrics.STORE_LOST.inc()
            metrics.STORE_UP.set(0)
            self._lost_at = self._clock()
        elif why not in self._said:
            logger.warning("%s are not shared for now: %s", part, why)
        self._said.add(why)
        self._problems[part] = problem
        self._tell_lasting(why)

    def _tell_lasting(self, why: str) -> None:
        if self._lost or self._lost_at is None or self._clock() < self._lost_at + LASTING_S:
            return
        self._lost = True
        self._events.tell(Kind.GATEWAY_DEGRADED, part="store", reason=why)  # a line of the log
