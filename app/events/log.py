"""An event as a line of the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from app.events.source import Kind

if TYPE_CHECKING:
    from app.events.source import Event

logger = logging.getLogger("app.events")

SENTENCES: Final = {
    Kind.TRIGGER_DISCOVERED: (logging.WARNING, "an image has revealed a new trigger"),
    Kind.TRIGGER_CONFIRMED: (logging.WARNING, "a second image has confirmed a trigger"),
    Kind.TRIGGER_SUSPECT: (logging.WARNING, "something may be a trigger"),
    Kind.TRIGGER_DISMISSED: (logging.WARNING, "a trigger was dismissed"),
    Kind.TRIGGER_RESTORED: (logging.WARNING, "a trigger was restored"),
    Kind.TRIGGER_SEEN: (logging.DEBUG, "images carry a known trigger"),
    Kind.IMAGE_FLAGGED: (logging.INFO, "an image carries a trigger"),
    Kind.IMAGE_SUSPICIOUS: (logging.DEBUG, "an image may carry a trigger without a place"),
    Kind.CALLER_LOCKED: (
        logging.WARNING,
        "images are refused as they are like some of the same caller that were flagged",
    ),
    Kind.MODEL_CHANGED: (logging.WARNING, "the model behind NEO_UPSTREAM_URL has changed"),
    Kind.REFERENCES_RECALIBRATED: (logging.INFO, "the references are calibrated for the new model"),
    Kind.GATEWAY_DEGRADED: (logging.WARNING, "each worker goes on alone"),
    Kind.GATEWAY_RECOVERED: (logging.WARNING, "what the workers know is shared again"),
    Kind.BREAKER_OPENED: (logging.WARNING, "circuit breaker open, only trials are sent"),
    Kind.BREAKER_CLOSED: (logging.WARNING, "the upstream answers again"),
    Kind.WORKER_READY: (logging.INFO, "ready"),
    Kind.WORKER_DRAINING: (logging.INFO, "draining: this worker ends in a moment"),
}
"""How grave each kind is, and what is said of it; its facts follow."""

COMING_AND_GOING: Final = frozenset(
    {Kind.GATEWAY_DEGRADED, Kind.GATEWAY_RECOVERED, Kind.BREAKER_OPENED, Kind.BREAKER_CLOSED}
)
"""What may come and go many times a minute: the same of it is said again after a while only."""

LISTED: Final = "listed"
"""The fact that says whether an image is among the incidents: of a flood no more are lines."""

REQUEST_ID: Final = "request_id"
"""The fact that a line of the log has in a place of its own."""


def log(event: Event) -> None:
    """Write *event* into the log."""
    level, sentence = SENTENCES[event.kind]
    if event.facts.get(LISTED) is False:
        level = logging.DEBUG
    if not logger.isEnabledFor(level):
        return
    facts = {name: value for name, value in event.facts.items() if value is not None}
    facts.pop(LISTED, None)
    request_id = facts.pop(REQUEST_ID, None)
    words = " ".join(f"{name}={value}" for name, value in facts.items())
    extra = {
        "event": event.kind.value,
        "event_id": event.id,
        "facts": facts,
        "each": event.kind not in COMING_AND_GOING,
        REQUEST_ID: request_id,
    }
    logger.log(level, "%s%s", sentence, f": {words}" if words else "", extra=extra)
