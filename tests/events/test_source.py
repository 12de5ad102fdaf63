"""The source of events: told once, heard by all, in the way of nobody."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.events import Event, Events, Kind

if TYPE_CHECKING:
    import pytest

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_an_event_reaches_all_who_hear_and_nobody_else() -> None:
    """Each hearer gets the event with its time and its facts, until it doesn't hear any more."""
    events = Events(lambda: NOON)
    one: list[Event] = []
    other: list[Event] = []
    stop = events.hear(one.append)
    events.hear(other.append)
    events.tell(Kind.BREAKER_OPENED, reason="away")
    stop()
    stop()
    events.tell(Kind.BREAKER_CLOSED)
    assert [(Kind.BREAKER_OPENED, NOON, {"reason": "away"})] == [
        (event.kind, event.at, event.facts) for event in one
    ]
    assert [Kind.BREAKER_OPENED, Kind.BREAKER_CLOSED] == [event.kind for event in other]


def test_a_hearer_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Who tells goes on, the others hear it, and the log has the failure."""
    events = Events()
    heard: list[Event] = []

    def fail(_: Event) -> None:
        message = "a fault"
        raise ValueError(message)

    events.hear(fail)
    events.hear(heard.append)
    with caplog.at_level(logging.ERROR):
        events.tell(Kind.WORKER_READY)
    assert [Kind.WORKER_READY] == [event.kind for event in heard]
    assert ["an event was not heard"] == [record.message for record in caplog.records]


def test_facts_can_be_written_anywhere() -> None:
    """A name out of an environment that isn't UTF-8 is told as far as it is."""
    events = Events()
    heard: list[Event] = []
    events.hear(heard.append)
    events.tell(Kind.WORKER_READY, model="signs \udcff", workers=2, keys=None)
    assert {"model": "signs \\udcff", "workers": 2, "keys": None} == heard[0].facts


def test_each_event_has_a_name_of_its_own_but_what_happens_once_to_a_trigger() -> None:
    """Two workers that tell that one trigger is confirmed tell the same; all else is another."""
    events = Events()
    heard: list[Event] = []
    events.hear(heard.append)
    for _ in "ab":
        events.tell(Kind.TRIGGER_CONFIRMED, trigger="t-1")
    events.tell(Kind.TRIGGER_CONFIRMED, trigger="t-2")
    for _ in "ab":
        events.tell(Kind.TRIGGER_SEEN, trigger="t-1", images=2)
    ids = [event.id for event in heard]
    assert ids[0] == ids[1]
    assert 4 == len(set(ids))
