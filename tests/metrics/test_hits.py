"""Triggers that are met, by their ids."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from app.metrics.hits import Hits


def test_ids_are_bounded() -> None:
    """After so many ids the rest is one."""
    registry = CollectorRegistry()
    hits = Hits(2, registry)
    for trigger_id in ("t-1", "t-2", "t-3", "t-1", "t-4"):
        hits.inc(trigger_id)

    def count(trigger: str) -> float | None:
        return registry.get_sample_value("neo_trigger_hits_total", {"trigger": trigger})

    assert [2, 1, None, None, 2] == [count(one) for one in ("t-1", "t-2", "t-3", "t-4", "other")]
