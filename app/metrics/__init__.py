"""What is counted for Prometheus: one name and one meaning each, whoever counts.

They are the process's own: where PROMETHEUS_MULTIPROC_DIR names a folder they lie in it, in files
of each worker, and `GET /metrics` tells of all workers together (`workers`). What each request
counts is counted in `hot`, the rest by prometheus_client. No label has a value that a caller
chooses, and every value but a trigger's id is there from the start.
"""

from __future__ import annotations

from itertools import product
from typing import Final

from prometheus_client import Counter, Gauge

from app.metrics.hot import Counts, Durations
from app.metrics.routes import IMAGE_ROUTES, ROUTES, STATUSES

SCREENINGS: Final = (
    *("clear", "discovered", "known-trigger", "suspicious"),
    *("passed", "incomplete", "off"),
)

REQUESTS: Final = Counts(
    "neo_requests",
    "Requests answered, by what was asked for and the answer's status",
    ("route", "status"),
    product(ROUTES, STATUSES),
)
REQUEST_SECONDS: Final = Durations(
    "neo_request_duration_seconds",
    "From the head of a request for predictions to the head of its answer",
    "route",
    IMAGE_ROUTES,
)
SCREENING_SECONDS: Final = Durations(
    "neo_screening_duration_seconds",
    "From an image to what is answered for it, by how far it was screened; the model's time is in",
    "screening",
    SCREENINGS,
)
UPSTREAM_SECONDS: Final = Durations(
    "neo_upstream_request_duration_seconds",
    "Of requests to the upstream for answers, whether usable ones came or not",
)

IMAGES: Final = Counts(
    "neo_images",
    "Images answered, by how far they were screened",
    ("screening",),
    ((screening,) for screening in SCREENINGS),
)
MONITORED: Final = Counter(
    "neo_monitored", "Images answered in monitor mode, by what `enforce` would have done", ["would"]
)
MONITOR_BEHIND: Final = Gauge(
    "neo_monitor_behind_images",
    "Images whose screening goes on behind their answers",
    multiprocess_mode="livesum",
)
PROBES: Final = Counts("neo_probes", "Images asked of the upstream for callers' images")
BACKGROUND_BEGUN: Final = Counter(
    "neo_background_begun", "Searches that went on when their callers had been answered"
)
BACKGROUND_ENDED: Final = Counter(
    "neo_background_ended",
    "Searches in the background that have ended, by what came of them",
    ["outcome"],
)
BACKGROUND_PROBES: Final = Counter(
    "neo_background_probes", "Images asked of the upstream by searches in the background"
)
INCIDENTS: Final = Counter("neo_incidents", "Flagged images that are listed as incidents")
INCIDENTS_UNLISTED: Final = Counter(
    "neo_incidents_unlisted", "Flagged images that are only counted, for there were too many"
)
LOCKED_OUT: Final = Counter(
    "neo_locked_out",
    "Images refused as they are like pictures of the same caller that were flagged too often",
)
QUARANTINED: Final = Counter("neo_quarantined", "Flagged images that were kept in the quarantine")
QUARANTINE_FAILED: Final = Counter(
    "neo_quarantine_failed",
    "Times that a flagged image couldn't be kept, or what is old be removed",
)
REFUSED: Final = Counter("neo_refused", "Requests answered with a problem, by its kind", ["kind"])
RATE_LIMITED: Final = Counter(
    "neo_rate_limited", "Requests refused for the probes that were asked before", ["scope"]
)

UPSTREAM_REQUESTS: Final = Counts("neo_upstream_requests", "Requests to the upstream")
UPSTREAM_FAILURES: Final = Counter(
    "neo_upstream_failures", "Requests to the upstream without a usable answer", ["error"]
)
UPSTREAM_WAITING: Final = Gauge(
    "neo_upstream_waiting_images",
    "Images that wait for a free slot at the upstream",
    multiprocess_mode="liveall",
)
BREAKER_OPENED: Final = Counter("neo_breaker_opened", "Times that the circuit breaker opened")
BREAKER_STATE: Final = Gauge(
    "neo_breaker_state",
    "The circuit breaker: 0 closed, 1 half-open, 2 open",
    multiprocess_mode="liveall",
)
CALIBRATED: Final = Gauge(
    "neo_references_calibrated",
    "Whether the references are calibrated, so that images can be screened",
    multiprocess_mode="liveall",
)
CALIBRATIONS: Final = Counter("neo_calibrations", "Times that the references were calibrated")
MODEL_CHANGES: Final = Counter(
    "neo_model_changes", "Times that another model was found behind the upstream's address"
)

STORE_UP: Final = Gauge(
    "neo_store_up", "Whether the shared store can be reached", multiprocess_mode="liveall"
)
STORE_LOST: Final = Counter("neo_store_lost", "Times that the shared store went out of reach")
STORE_UNREADABLE: Final = Counter(
    "neo_store_unreadable", "Fields of the shared store that were left out, as none can read them"
)
TRIGGERS: Final = Gauge("neo_triggers", "Triggers that are in use", multiprocess_mode="livemax")
SUSPECTS: Final = Gauge(
    "neo_suspects", "Suspects that are kept: what may be triggers", multiprocess_mode="livemax"
)
SUSPECTS_NOTED: Final = Counter(
    "neo_suspects_noted", "Suspects that images have shown, kept or not"
)
SUSPECTS_PROVEN: Final = Counter(
    "neo_suspects_proven", "Triggers that several images together have proven"
)
TRIGGERS_UNKEPT: Final = Counter(
    "neo_triggers_unkept", "New triggers that a full library had no room for"
)

WEBHOOKS: Final = Counter(
    "neo_webhooks",
    "Attempts to post an event to NEO_WEBHOOK_URL, by what came of them",
    ["outcome"],
)

CONNECTIONS: Final = Gauge(
    "neo_connections", "Connections of clients that are open", multiprocess_mode="livesum"
)
CONNECTIONS_CUT: Final = Counter(
    "neo_connections_cut",
    "Connections closed on clients, by the reason",
    ["reason"],
)


def known(counter: Counter, *values: str) -> None:
    """Have *counter* tell of these *values* of its label from the start, with 0."""
    for value in values:
        counter.labels(value)


known(MONITORED, "pass", "correct", "refuse", "unknown")
known(BACKGROUND_ENDED, "clear", "discovered", "known-trigger", "suspicious", "incomplete")
known(BACKGROUND_ENDED, "given-up", "failed")
known(RATE_LIMITED, "key", "total")
known(WEBHOOKS, "sent", "failed", "given-up")
known(CONNECTIONS_CUT, "head", "body", "answer", "surplus", "idle")
