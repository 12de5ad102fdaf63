"""GET /metrics: what is counted, of all workers together, for Prometheus."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from app.web.answering.problems import described

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder of the workers' counts in the environment; prometheus_client reads it, too."""

router = APIRouter(tags=["health"], default_response_class=Response)


class AllWorkers(Collector):
    """What the workers have counted, each in files of its own in *folder*.

    What dead workers have counted stays counted; their gauges are gone with them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return the sums over all workers."""
        for gauges in self._folder.glob("gauge_live*.db"):
            pid = int(gauges.stem.rpartition("_")[2])
            if not _lives(pid):
                with suppress(FileNotFoundError):  # another worker was faster
                    mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        files = [str(path) for path in self._folder.glob("*.db") if _written(path)]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return merged


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


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _written(file: Path) -> bool:
    """Return whether *file* is there and not only about to be written."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
