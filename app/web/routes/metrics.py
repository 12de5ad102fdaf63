"""GET /metrics: what is counted, of all workers together, for Prometheus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from app.metrics.cells import FOLDER
from app.metrics.workers import AllWorkers, ThisProcess
from app.web.answering.problems import described

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

router = APIRouter(tags=["health"], default_response_class=Response)

disable_created_metrics()  # type: ignore[no-untyped-call]  # with several workers there are none
REGISTRY.register(ThisProcess())


@router.get(
    "/metrics",
    summary="What is counted, for Prometheus",
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "All metrics of all workers",
        },
        **described(),
    },
)
async def metrics(request: Request) -> Response:
    """Return the metrics in Prometheus' text format, or as OpenMetrics where that is accepted."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(_registry()), headers={"Content-Type": content_type})


def _registry() -> Collector:
    folder = os.environ.get(FOLDER)
    if folder is None:
        return REGISTRY
    registry = CollectorRegistry()
    registry.register(AllWorkers(Path(folder)))
    return registry
