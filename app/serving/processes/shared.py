"""What the workers share: a store and a folder for their counts.

Both are named in the environment that the workers inherit from the process above them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.library.server.addresses import connect
from app.library.server.embedded import embedded_valkey
from app.settings import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.settings import Settings

REDIS_URL: Final = "NEO_REDIS_URL"
METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_store(settings: Settings) -> Iterator[None]:
    """Name a store in the environment within the block: the owner's, or one of our own.

    Our own keeps its data under the user's state directory, one for each upstream and model.
    Raises SettingError for an address that is none, LibraryError if our own can't start.
    """
    if settings.redis_url is not None:
        check_address(settings.redis_url.get_secret_value())
        yield
        return
    with embedded_valkey(state_directory(settings)) as url, _named(REDIS_URL, url):
        yield


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Name a folder in the environment where the workers count what they do, all together.

    prometheus_client looks for it when it is imported. A single process needs none.
    """
    with (
        tempfile.TemporaryDirectory(prefix="neo-metrics-") as folder,
        _named(METRICS_FOLDER, folder),
    ):
        yield


@contextmanager
def _named(variable: str, value: str) -> Iterator[None]:
    os.environ[variable] = value
    try:
        yield
    finally:
        del os.environ[variable]


def check_address(url: str) -> None:
    """Say here what every worker would stumble over. Raises SettingError."""
    try:
        connect(url)
    except ValueError as exc:
        message = f"{REDIS_URL} is wrong: {exc}"
        raise SettingError(message) from exc


def state_directory(settings: Settings) -> Path:
    """Return where a Valkey of our own keeps what it knows of this upstream's model."""
    named = os.environ.get("XDG_STATE_HOME")
    base = Path(named) if named else Path.home() / ".local" / "state"
    model = hashlib.sha256(f"{settings.upstream_url}\0{settings.model}".encode()).hexdigest()
    return base / "neo-gateway" / model[:16]
