"""Running the gateway: the workers, and a Valkey for them where the owner has named no Redis."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from app.library.embedded import embedded_valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.settings import Settings

KEEP_ALIVE_S = 75  # longer than the 60 s of common load balancers, or they meet a closed connection
DRAIN_S = 20
REDIS_URL = "NEO_REDIS_URL"


def serve(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until a signal ends it. Raises LibraryError if the embedded Valkey can't start."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers are the parallelism
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
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
        )


@contextmanager
def shared_store(settings: Settings) -> Iterator[None]:
    """Name a store in the environment that the workers inherit: the owner's, or one of our own.

    Our own keeps its data under the user's state directory, one for each upstream and model.
    """
    if settings.redis_url is not None:
        yield
        return
    with embedded_valkey(_state_directory(settings)) as url:
        os.environ[REDIS_URL] = url
        try:
            yield
        finally:
            del os.environ[REDIS_URL]


def _state_directory(settings: Settings) -> Path:
    named = os.environ.get("XDG_STATE_HOME")
    base = Path(named) if named else Path.home() / ".local" / "state"
    model = hashlib.sha256(f"{settings.upstream_url}\0{settings.model}".encode()).hexdigest()
    return base / "neo-gateway" / model[:16]
