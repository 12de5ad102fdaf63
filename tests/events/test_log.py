"""An event's line in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from app.events import Events, Kind
from app.events.log import SENTENCES, log
from app.logs.repeats import Repeats

if TYPE_CHECKING:
    import pytest


def test_every_kind_has_its_words() -> None:
    """None is left out."""
    assert set(Kind) == set(SENTENCES)


def test_a_line_has_the_facts_and_the_event(caplog: pytest.LogCaptureFixture) -> None:
    """In words for people, and as they are for a line of JSON; a request's id is its own."""
    events = Events()
    events.hear(log)
    with caplog.at_level(logging.INFO, "app.events"):
        events.tell(Kind.TRIGGER_SEEN, trigger="t-1", images=2)
        events.tell(Kind.TRIGGER_DISMISSED, trigger="t-1", by=None)
        events.tell(Kind.IMAGE_FLAGGED, trigger="t-1", request_id="r-1")
    dismissed, flagged = caplog.records
    assert "a trigger was dismissed: trigger=t-1" == dismissed.getMessage()
    assert (logging.WARNING, "trigger.dismissed", {"trigger": "t-1"}) == (
        dismissed.levelno,
        vars(dismissed)["event"],
        vars(dismissed)["facts"],
    )
    assert ("an image carries a trigger: trigger=t-1", "r-1") == (
        flagged.getMessage(),
        vars(flagged)["request_id"],
    )


def test_a_flood_of_images_is_no_flood_of_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Those that are too many for the list of incidents are not said, but for `debug`."""
    events = Events()
    events.hear(log)
    for level in (logging.INFO, logging.DEBUG):
        with caplog.at_level(level, "app.events"):
            for number in range(3):
                events.tell(Kind.IMAGE_FLAGGED, trigger=f"t-{number}", listed=number == 0)
    said = [record.getMessage().rpartition("=")[2] for record in caplog.records]
    assert ["t-0", "t-0", "t-1", "t-2"] == said


def test_each_deed_of_an_admin_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """The last line tells how it is, also for who changes their mind; what flickers isn't said."""
    events, repeats = Events(), Repeats(lambda: 0.0)
    events.hear(log)
    for _ in range(2):
        events.tell(Kind.TRIGGER_DISMISSED, trigger="t-1", by="ops")
        events.tell(Kind.TRIGGER_RESTORED, trigger="t-1", by="ops")
        events.tell(Kind.BREAKER_OPENED, reason="no connection")
    said = [vars(record)["event"] for record in caplog.records if repeats.filter(record)]
    assert ["trigger.dismissed", "trigger.restored", "breaker.opened"] == said[:3]
    assert ["trigger.dismissed", "trigger.restored"] == said[3:]
