"""Running the gateway: the workers, and a Valkey for them where the owner has named no Redis."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from app.library.addresses import connect
from app.library.embedded import embedded_valkey
from app.settings import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.settings import Settings

KEEP_ALIVE_S = 75  # longer than the 60 s of common load balancers, or they meet a closed connection
DRAIN_S = 20
REDIS_URL = "NEO_REDIS_URL"


def serve(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until a signal ends it; SIGTERM ends the process, with exit code 0.

    Raises SettingError for an address of a Redis that is none, LibraryError if the embedded Valkey
    can't start. To be called from the main thread.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are the parallelism
    # A single worker hands its SIGTERM on when it is done, and the Valkey has to be stopped then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with shared_store(settings):
        uvicorn.run(
            "app.asgi:create",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,  # nobody here asks who the client is
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
        )


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
    """Let a worker end, as by SIGTERM, when the process above it has been killed.

    Its port and its store would be gone or taken. A process that has no supervisor stays.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def watch() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

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
