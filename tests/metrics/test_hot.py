"""What every request counts reads as if prometheus_client had counted it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from app.gateway.outcome import Screening
from app.metrics import SCREENINGS
from app.metrics.hot import BOUNDS, FAMILIES, Counts, Durations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.registry import Collector


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    """Forget the families of a test."""
    known = len(FAMILIES)
    yield
    for family in FAMILIES[known:]:
        REGISTRY.unregister(family)
    del FAMILIES[known:]


def text(collector: Collector) -> list[str]:
    """Return what a scraper reads of *collector*."""
    registry = CollectorRegistry()
    registry.register(collector)
    lines = generate_latest(registry).decode().splitlines()
    return sorted(line for line in lines if "_created" not in line)


def test_durations_are_a_histogram() -> None:
    """Bounds, and what is above all, count as in prometheus_client; so do values never seen."""
    routes = ["predict", "infer", "never"]
    ours = Durations("tried_seconds", "How long it took", "route", routes)
    theirs = Histogram(
        "tried_seconds", "How long it took", ["route"], buckets=BOUNDS, registry=None
    )
    for route in routes:
        theirs.labels(route)
    values = np.random.default_rng(1).lognormal(-3, 3, 500).tolist()
    for number, seconds in enumerate([0.0, *BOUNDS, *values]):
        ours.observe(seconds, routes[number % 2])
        theirs.labels(routes[number % 2]).observe(seconds)
    assert text(theirs) == text(ours)


def test_durations_without_a_label() -> None:
    """The same without a label."""
    ours = Durations("tried_seconds", "How long it took")
    theirs = Histogram("tried_seconds", "How long it took", buckets=BOUNDS, registry=None)
    for metric in (ours, theirs):
        metric.observe(0.02)
    assert text(theirs) == text(ours)


def test_counts_are_a_counter() -> None:
    """Every row has a count from the start."""
    ours = Counts("tried", "What was done", ("a", "b"), [("x", "1"), ("x", "2")])
    theirs = Counter("tried", "What was done", ["a", "b"], registry=None)
    theirs.labels("x", "1")
    theirs.labels("x", "2").inc(3)
    ours.inc("x", "2")
    ours.inc("x", "2", by=2)
    assert text(theirs) == text(ours)


def test_every_kind_of_screening_is_known() -> None:
    """What an image may be counted as is what may become of it in the end."""
    assert {screening.value for screening in Screening} - {"pending"} == set(SCREENINGS)
