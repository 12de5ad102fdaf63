"""An event as it is posted: as a CloudEvent, or as Slack's incoming webhooks take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote

import orjson

from app.events.log import SENTENCES
from app.events.source import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

SENT: Final = frozenset(
    {
        Kind.TRIGGER_DISCOVERED,
        Kind.TRIGGER_CONFIRMED,
        Kind.TRIGGER_SUSPECT,
        Kind.TRIGGER_DISMISSED,
        Kind.TRIGGER_RESTORED,
        Kind.CALLER_LOCKED,
        Kind.MODEL_CHANGED,
        Kind.REFERENCES_RECALIBRATED,
        Kind.GATEWAY_DEGRADED,
        Kind.GATEWAY_RECOVERED,
        Kind.BREAKER_OPENED,
        Kind.BREAKER_CLOSED,
    }
)
"""What somebody wants to be woken by: not each image, and not workers that come and go."""


@dataclass(frozen=True)
class Message:
    """What is posted of one event; the ``id`` is the same at each attempt."""

    id: str
    content_type: str
    body: bytes


Form: TypeAlias = "Callable[[Event], Message]"


class CloudEvents:
    """CloudEvents 1.0, structured, of the gateway in front of *model*."""

    def __init__(self, model: str) -> None:
        self._source = f"/neo-gateway/models/{quote(model, safe='')}"

    def __call__(self, event: Event) -> Message:
        """Return *event* in this form."""
        trigger = event.facts.get("trigger")
        fields = {
            "specversion": "1.0",
            "id": event.id,
            "source": self._source,
            "type": f"neo-gateway.{event.kind}",
            "time": event.at.isoformat(),
            **({} if trigger is None else {"subject": trigger}),
            "datacontenttype": "application/json",
            "data": dict(event.facts),
        }
        return Message(event.id, "application/cloudevents+json", orjson.dumps(fields))


class Slack:
    """Slack's incoming webhooks, and those that take the same, of the gateway before *model*."""

    def __init__(self, model: str) -> None:
        self._model = model

    def __call__(self, event: Event) -> Message:
        """Return *event* in this form."""
        _, sentence = SENTENCES[event.kind]
        facts = (f"{name}: {value}" for name, value in event.facts.items() if value is not None)
        lines = f"NEO Gateway, {self._model}: {sentence}", ", ".join(facts)
        text = "\n".join(filter(None, lines))
        for character, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(character, written)
        return Message(event.id, "application/json", orjson.dumps({"text": text}))
