"""What the process counts of searches in the background."""

from __future__ import annotations

from prometheus_client import REGISTRY


def begun() -> float:
    """Return how many have begun."""
    return REGISTRY.get_sample_value("neo_background_begun_total") or 0.0


def ended(outcome: str) -> float:
    """Return how many have ended with this *outcome*."""
    labels = {"outcome": outcome}
    return REGISTRY.get_sample_value("neo_background_ended_total", labels) or 0.0
