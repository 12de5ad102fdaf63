"""What several workers tell of one thing is posted once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.events.source import Kind

if TYPE_CHECKING:
    from app.events.source import Event

APART: Final = timedelta(seconds=60)

TOLD_BY_EACH: Final = {
    Kind.MODEL_CHANGED: "model",
    Kind.GATEWAY_DEGRADED: "store",
    Kind.GATEWAY_RECOVERED: "store",
    Kind.BREAKER_OPENED: "upstream",
    Kind.BREAKER_CLOSED: "upstream",
}
"""What every worker notices by itself, and what it is about."""

MOST_KEPT: Final = 2000


class Echoes:
    """What was posted lately.

    An event that was is an echo, whoever tells it again. So is one that says of a thing the same as
    what was posted of it last, within `APART`: what is posted last is how things stand.
    """

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}
        self._last: dict[str, Event] = {}

    def has(self, event: Event) -> bool:
        """Return whether *event* needn't be posted."""
        if event.id in self._ids:
            return True
        last = self._last.get(TOLD_BY_EACH.get(event.kind, ""))
        return last is not None and _says(last) == _says(event) and event.at - last.at < APART

    def note(self, event: Event) -> None:
        """Note that *event* was posted, or given up."""
        self._ids[event.id] = None
        if len(self._ids) > MOST_KEPT:
            del self._ids[next(iter(self._ids))]
        if event.kind in TOLD_BY_EACH:
            self._last[TOLD_BY_EACH[event.kind]] = event


def _says(event: Event) -> tuple[Kind, object]:
    return event.kind, event.facts.get("to")
