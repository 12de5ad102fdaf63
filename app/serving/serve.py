"""Running the gateway: the workers, and a Valkey for them where the owner has named no Redis."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from app.library.server.addresses import connect
from app.library.server.embedded import embedded_valkey
from app.serving.processes.supervisor import Supervisor
from app.settings import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.settings import Settings

KEEP_ALIVE_S = 75  # longer than the 60 s of common load balancers, or they meet a closed connection
DRAIN_S = 20
STANDSTILL_S = 15  # a worker that is only starting on a busy machine says nothing for a while, too
MOST_CONNECTIONS = 1000
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
REDIS_URL = "NEO_REDIS_URL"


def serve(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until a signal ends it; SIGTERM ends the process, with exit code 0.

    SIGHUP replaces the workers one by one, if there are several. Raises SettingError for an address
    of a Redis that is none, LibraryError if the embedded Valkey can't start. To be called from the
    main thread.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are the parallelism
    os.environ["WEB_CONCURRENCY"] = str(workers)  # each has its share of the probe rates
    # A single worker hands its SIGTERM on when it is done, and the Valkey has to be stopped then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with shared_store(settings):
        config = uvicorn.Config(
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
            proxy_headers=False,  # nobody here asks who the client is
            limit_concurrency=_most_connections(),
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_worker_healthcheck=STANDSTILL_S,
            timeout_graceful_shutdown=DRAIN_S,
        )
        started = _run_single(config) if workers == 1 else _run_several(config)
    if not started:
        sys.exit(STARTUP_FAILURE)


def _run_single(config: uvicorn.Config) -> bool:
    """Serve in this process; return whether that could begin."""
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    return server.started


def _run_several(config: uvicorn.Config) -> bool:
    """Serve in processes of their own; return whether they could begin."""
    with shared_metrics():
        supervisor = Supervisor(
            config, [config.bind_socket()], successor="app.serving.asgi:successor"
        )
        supervisor.run()
    return not supervisor.failed


def _most_connections() -> int:
    """Return how many clients' connections a worker takes; its own need some open files, too."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, files * 3 // 4))


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Name a folder in the environment where the workers count what they do, all together.

    prometheus_client looks for it when it is imported. A single process needs none.
    """
    with tempfile.TemporaryDirectory(prefix="neo-metrics-") as folder:
        os.environ[METRICS_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[METRICS_FOLDER]


@contextmanager
def shared_store(settings: Settings) -> Iterator[None]:
    """Name a store in the environment that the workers inherit: the owner's, or one of our own.

    Our own keeps its data under the user's state directory, one for each upstream and model.
    """
    if settings.redis_url is not None:
        _check_address(settings.redis_url.get_secret_value())
        yield
        return
    with embedded_valkey(_state_directory(settings)) as url:
        os.environ[REDIS_URL] = url
        try:
            yield
        finally:
            del os.environ[REDIS_URL]


def end_with_supervisor() -> None:
    """Let a worker end, as by Ctrl-C, when the process above it has been killed.

    Its store may be gone, and its port is wanted by who takes over: it doesn't linger. A process
    that has no supervisor stays.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def watch() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, name="supervisor", daemon=True).start()


def _check_address(url: str) -> None:
    """Say here what every worker would stumble over."""
    try:
        connect(url)
    except ValueError as exc:
        message = f"{REDIS_URL} is wrong: {exc}"
        raise SettingError(message) from exc


def _state_directory(settings: Settings) -> Path:
    named = os.environ.get("XDG_STATE_HOME")
    base = Path(named) if named else Path.home() / ".local" / "state"
    model = hashlib.sha256(f"{settings.upstream_url}\0{settings.model}".encode()).hexdigest()
    return base / "neo-gateway" / model[:16]
