"""The one source of events of a worker: told by its parts, heard by whoever wants to."""

from __future__ import annotations

import enum
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Fact: TypeAlias = "str | int | float | bool | None"

logger = logging.getLogger(__name__)


class Kind(enum.StrEnum):
    """What has happened."""

    TRIGGER_DISCOVERED = "trigger.discovered"
    """An image has revealed a new trigger."""
    TRIGGER_CONFIRMED = "trigger.confirmed"
    """A second image has carried it."""
    TRIGGER_SUSPECT = "trigger.suspect"
    """Something that may be a trigger, and isn't proven to be one."""
    TRIGGER_DISMISSED = "trigger.dismissed"
    """Its owner has said that it is none."""
    TRIGGER_RESTORED = "trigger.restored"
    """A dismissed one is in use again."""
    TRIGGER_SEEN = "trigger.seen"
    """Images have carried a known trigger: told once a minute, with their number."""
    IMAGE_FLAGGED = "image.flagged"
    """An image carries a trigger: each one."""
    IMAGE_SUSPICIOUS = "image.suspicious"
    """An image may carry a trigger without a place (NEO_SECOND_OPINION): each one."""
    CALLER_LOCKED = "caller.locked"
    """Images of a caller are refused, being like some that were flagged: told once a minute."""
    MODEL_CHANGED = "model.changed"
    """Another model is behind the upstream's address, or the former one again."""
    REFERENCES_RECALIBRATED = "references.recalibrated"
    """The references were measured anew, on a model that has come."""
    GATEWAY_DEGRADED = "gateway.degraded"
    """The shared store is out of reach: each worker goes on alone."""
    GATEWAY_RECOVERED = "gateway.recovered"
    """It is back."""
    BREAKER_OPENED = "breaker.opened"
    """The upstream is out of reach, and left alone but for trials."""
    BREAKER_CLOSED = "breaker.closed"
    """It answers again."""
    WORKER_READY = "worker.ready"
    """A worker that has started can answer."""
    WORKER_DRAINING = "worker.draining"
    """A worker takes no more, and ends soon."""


@dataclass(frozen=True)
class Event:
    """Something that has happened; ``facts`` are JSON scalars by their names, ``at`` has its zone.

    ``id`` is its own, also where several workers tell of the same.
    """

    kind: Kind
    at: datetime
    facts: Mapping[str, Fact]
    id: str


class Events:
    """One worker's events, each handed to all who hear, at once and in their order."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._hearers: list[Callable[[Event], object]] = []

    def tell(self, kind: Kind, /, **facts: Fact) -> None:
        """Tell what has happened; never waits, and never fails."""
        facts = {name: _utf8(fact) for name, fact in facts.items()}
        event = Event(kind, self._clock(), facts, _id(kind, facts))
        for hearer in tuple(self._hearers):
            try:
                hearer(event)
            except Exception:  # what is made of an event must not harm who tells it
                logger.exception("an event was not heard")

    def hear(self, hearer: Callable[[Event], object]) -> Callable[[], None]:
        """Call *hearer* with each event, in the loop of who tells it; return what ends that."""
        self._hearers.append(hearer)

        def stop() -> None:
            if hearer in self._hearers:
                self._hearers.remove(hearer)

        return stop


def _id(kind: Kind, facts: Mapping[str, Fact]) -> str:
    """Return the event's name: where it happens once to a trigger, whoever tells it, the same."""
    if kind is Kind.TRIGGER_CONFIRMED:
        return f"e-confirmed-{facts.get('trigger')}"
    return f"e-{secrets.token_hex(8)}"


def _utf8(fact: Fact) -> Fact:
    """Return *fact*; bytes of an environment that are no UTF-8 stay visible."""
    return fact.encode(errors="backslashreplace").decode() if isinstance(fact, str) else fact
