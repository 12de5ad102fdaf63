"""Which triggers are met, each under its id: ours, and no more of them than a scraper bears."""

from __future__ import annotations

from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter

MOST_TRIGGERS: Final = 200
"""As many as a library keeps; one whose triggers come and go has more in time."""

OTHER: Final = "other"


class Hits:
    """A counter of the images that carried a trigger, under the ids of the first *most*."""

    def __init__(self, most: int, registry: CollectorRegistry = REGISTRY) -> None:
        self._most = most
        self._named: set[str] = set()
        self._counter = Counter(
            "neo_trigger_hits",
            f"Images that carried a trigger, by its id; '{OTHER}' is for those after {most} ids",
            ["trigger"],
            registry=registry,
        )
        self._counter.labels(OTHER)

    def inc(self, trigger_id: str) -> None:
        """Count an image that carried this trigger."""
        if trigger_id not in self._named:
            if len(self._named) >= self._most:
                trigger_id = OTHER
            else:
                self._named.add(trigger_id)
        self._counter.labels(trigger_id).inc()


TRIGGER_HITS: Final = Hits(MOST_TRIGGERS)
