"""The gateway as users run it, in front of a real model server."""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from app.digits.images import digits
from tests.conformance.model_server import NAME
from tests.faults.service import HOST, Process, Service, free_port, status
from tests.library.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START_S = 180.0
PATIENCE = "60 s"  # a busy machine is no fault


@contextmanager
def running_gateway(directory: Path, url: str, settings: Mapping[str, str]) -> Iterator[Service]:
    """Run a gateway in front of the server at *url*, from when it is ready."""
    port = free_port()
    references = directory / "references.npz"
    np.savez(references, x=digits().references.images)
    # The path of a unix socket is short, and pytest's directories are not.
    with tempfile.TemporaryDirectory() as temporary:
        environment = {
            "NEO_UPSTREAM_URL": url,
            "NEO_MODEL": NAME,
            "NEO_REFERENCE": str(references),
            "NEO_PATIENCE": PATIENCE,
            "XDG_STATE_HOME": str(directory / "state"),
            "TMPDIR": temporary,
        }
        command = ("serve", "--host", HOST, "--port", str(port), "--workers", "1")
        log = directory / "gateway.log"
        process = Process(log, "app.cli", *command, **environment, **settings)
        gateway = Service(f"http://{HOST}:{port}", process, temporary)
        try:
            wait_until_ready(gateway)
            yield gateway
        finally:
            process.popen.terminate()
            try:
                process.ended()
            finally:
                for left in gateway.processes():
                    os.kill(left, signal.SIGKILL)


def wait_until_ready(gateway: Service) -> None:
    """Wait until *gateway* can screen images; fail if it has ended."""

    def ready() -> bool:
        assert gateway.process.popen.poll() is None, gateway.process.said
        return status(f"{gateway.url}/readyz") == 200

    wait_until(ready, START_S)
