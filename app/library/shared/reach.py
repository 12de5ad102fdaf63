"""Whether the shared store is within reach, for the owner, the log and the metrics."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app import metrics
from app.events import Kind
from app.logs import told
from app.ports import PortError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.events import Events

logger = logging.getLogger(__name__)


class Reach:
    """What is wrong with each *part* of the traffic with the store, if anything is."""

    def __init__(self, events: Events, **problems: str) -> None:
        self._events = events
        self._problems = problems
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
            if not self._lost:
                logger.info("%s are shared", part)
            metrics.STORE_UP.set(not self._problems)
            if not self._problems:
                self._said.clear()
                if self._lost:
                    self._lost = False
                    self._events.tell(Kind.GATEWAY_RECOVERED, part="store")

    def _failed(self, part: str, error: Exception) -> None:
        problem = error.explained if isinstance(error, PortError) else str(error)
        why = told(error)
        if not self._problems:
            metrics.STORE_LOST.inc()
            metrics.STORE_UP.set(0)
            self._lost = True
            self._events.tell(Kind.GATEWAY_DEGRADED, part="store", reason=why)  # a line of the log
        elif why not in self._said:
            logger.warning("%s are not shared for now: %s", part, why)
        self._said.add(why)
        self._problems[part] = problem
