"""What a worker's events were, for tests to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.events import Events

if TYPE_CHECKING:
    from app.events import Event, Kind


class Heard(Events):
    """Events that are kept as they are told."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.hear(self.events.append)

    @property
    def kinds(self) -> list[Kind]:
        """What has happened, in its order."""
        return [event.kind for event in self.events]

    def facts(self, kind: Kind) -> list[dict[str, object]]:
        """Return the facts of each event of this *kind*."""
        return [dict(event.facts) for event in self.events if event.kind is kind]
