"""What is posted of an event."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from app.events import Event, Kind
from app.events.webhook.messages import CloudEvents, Slack

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
FOUND = Event(Kind.TRIGGER_DISCOVERED, AT, {"trigger": "t-1", "target": 2, "by": None}, "e-1")
OPENED = Event(Kind.BREAKER_OPENED, AT, {"reason": "a <b> & c"}, "e-2")


def test_a_cloud_event() -> None:
    """Every attribute that CloudEvents 1.0 requires, and the facts as its data."""
    message = CloudEvents("street signs/1")(FOUND)
    assert ("e-1", "application/cloudevents+json") == (message.id, message.content_type)
    assert {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/neo-gateway/models/street%20signs%2F1",
        "type": "neo-gateway.trigger.discovered",
        "time": "2026-11-28T12:00:00+00:00",
        "subject": "t-1",
        "datacontenttype": "application/json",
        "data": {"trigger": "t-1", "target": 2, "by": None},
    } == orjson.loads(message.body)
    assert "subject" not in orjson.loads(CloudEvents("signs")(OPENED).body)


def test_a_text_for_slack() -> None:
    """A sentence with the model and the facts; what Slack would take for its own is escaped."""
    assert {
        "text": "NEO Gateway, signs: an image has revealed a new trigger\ntrigger: t-1, target: 2"
    } == orjson.loads(Slack("signs")(FOUND).body)
    text = orjson.loads(Slack("signs")(OPENED).body)["text"]
    assert text.endswith("\nreason: a &lt;b&gt; &amp; c")
