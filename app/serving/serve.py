"""Running the gateway: uvicorn as it is set up here, in this process or with workers below it."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from app.serving.listening import bound
from app.serving.log import write_service_log
from app.serving.processes.shared import shared_metrics, shared_store
from app.serving.processes.supervisor import Supervisor

if TYPE_CHECKING:
    from socket import socket

    from app.settings import Settings

KEEP_ALIVE_S: Final = 75
"""Longer than the 60 s of common load balancers, or they meet a closed connection."""
DRAIN_S: Final = 20
"""What an ending worker leaves its clients for the answers that they wait for."""
STANDSTILL_S: Final = 15
"""Of silence, then a worker counts as hung: more than it takes to start on a busy machine."""
MOST_CONNECTIONS: Final = 1000

_LOG = logging.getLogger(__name__)


def serve(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until a signal ends it; SIGTERM ends the process, with exit code 0.

    SIGHUP replaces the workers one by one, if there are several. Raises SettingError for an address
    of a Redis that is none, ListeningError, LibraryError if the embedded Valkey can't start. To be
    called from the main thread.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are the parallelism
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # or each thread's large arrays leave holes
    write_service_log(settings)
    os.environ["WEB_CONCURRENCY"] = str(workers)  # each has its share of the probe rates
    # A single worker hands its SIGTERM on when it is done, and the Valkey has to be stopped then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    sockets = bound(host, port)  # before the store: whoever starts it twice hears of the port
    with shared_store(settings):
        config = _config(host, port, workers)
        _LOG.info("listening on %s (workers: %d)", ", ".join(map(_address, sockets)), workers)
        run = _run_single if workers == 1 else _run_several
        started = run(config, sockets)
    if not started:
        sys.exit(STARTUP_FAILURE)


def _config(host: str, port: int, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        "app.serving.asgi:create",
        factory=True,
        http="app.serving.http.protocol:Protocol",
        ws="none",
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # the client's address is not used here
        limit_concurrency=_most_connections(),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_worker_healthcheck=STANDSTILL_S,
        timeout_graceful_shutdown=DRAIN_S,
    )


def _address(listener: socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run_single(config: uvicorn.Config, sockets: list[socket]) -> bool:
    """Serve in this process; return whether that could begin."""
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets)
    return server.started


def _run_several(config: uvicorn.Config, sockets: list[socket]) -> bool:
    """Serve in processes of their own; return whether they could begin."""
    with shared_metrics():
        supervisor = Supervisor(config, sockets)
        supervisor.run()
    return not supervisor.failed


def _most_connections() -> int:
    """Return how many clients' connections a worker takes; its own need some open files, too."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, files * 3 // 4))
