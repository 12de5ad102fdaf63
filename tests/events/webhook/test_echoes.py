"""What needn't be posted again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from app.events import Event, Kind
from app.events.webhook.echoes import MOST_KEPT, Echoes

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
OPENED, CLOSED = Kind.BREAKER_OPENED, Kind.BREAKER_CLOSED
_numbers = count()


def event(kind: Kind, after_s: float = 0.0, **facts: str) -> Event:
    """Return an event of its own."""
    return Event(kind, NOON + timedelta(seconds=after_s), facts, f"e-{next(_numbers)}")


def posted(echoes: Echoes, *events: Event) -> list[Event]:
    """Return those of *events*, one after the other, that are posted."""
    found = []
    for one in events:
        if not echoes.has(one):
            echoes.note(one)
            found.append(one)
    return found


def test_the_same_event_is_posted_once() -> None:
    """Whoever tells it again."""
    one, other = event(Kind.TRIGGER_CONFIRMED), event(Kind.TRIGGER_CONFIRMED)
    assert [one, other] == posted(Echoes(), one, one, other, one)


def test_what_each_worker_notices_is_posted_once_but_what_is_posted_last_is_true() -> None:
    """Within a minute, and until something else was posted of the same thing."""
    all_of_them = [
        *(event(OPENED), event(OPENED, 1)),
        *(event(CLOSED, 2), event(OPENED, 3), event(CLOSED, 4), event(CLOSED, 5)),
        event(CLOSED, 64),
    ]
    expected = [one for i, one in enumerate(all_of_them) if i not in {1, 5}]
    assert expected == posted(Echoes(), *all_of_them)


def test_another_model_and_the_former_one_are_two_things_to_say() -> None:
    """And one thing says nothing of another."""
    another, former = (
        event(Kind.MODEL_CHANGED, to="another"),
        event(Kind.MODEL_CHANGED, to="former"),
    )
    opened, again = event(OPENED), event(Kind.MODEL_CHANGED, to="former")
    assert [another, former, opened] == posted(Echoes(), another, former, opened, again)


def test_no_more_is_remembered_than_a_store_has() -> None:
    """However long a worker sends."""
    echoes, first = Echoes(), event(Kind.TRIGGER_DISCOVERED)
    posted(echoes, first, *(event(Kind.TRIGGER_DISCOVERED) for _ in range(MOST_KEPT)))
    assert not echoes.has(first)
