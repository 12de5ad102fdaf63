"""Real model servers with the digits, each with a Python of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.library.server.embedded import TETHER
from tests.conformance.environments import SERVERS, python_of
from tests.faults.service import HOST, free_port, status
from tests.library.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "digits"
START_S = 120.0
STOP_S = 30.0
READY = {"mlflow": "/ping"}
READY_OIP = f"/v2/models/{NAME}/ready"
_SHARED = re.compile(r"/dev/shm/\S+")  # noqa: S108  # only read


class ModelServer:
    """A model server on one port, which can be killed and started again."""

    def __init__(self, kind: str, weights: Path, directory: Path) -> None:
        self.kind = kind
        self.python = python_of(kind)
        self._port = free_port()
        self._weights = weights
        self._directory = directory
        self.url = f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        tied = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid())]
        script = [self.python, str(SERVERS / f"serve_{self.kind}.py")]
        model = [NAME, str(self._weights), str(self._port), str(self._directory)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*tied, *script, *model],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._ready, START_S)
        except AssertionError as exc:
            self.kill()
            exc.add_note(f"{self.kind} says: {self._log.read_text(errors='replace')[-2000:]}")
            raise

    def stop(self) -> None:
        """End it as its owner would, then whatever it may have left."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once, with all its processes."""
        shared = self._shared_memory()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for path in shared:
            path.unlink(missing_ok=True)

    def _shared_memory(self) -> set[Path]:
        """Return what its processes have in shared memory, which would outlive them."""
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                if os.getpgid(int(process.name)) == self._process.pid:
                    mapped = (process / "maps").read_text()
                    found |= {Path(name) for name in _SHARED.findall(mapped)}
        return found

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    def _ready(self) -> bool:
        assert self._process.poll() is None, "it has ended"
        return status(self.url + READY.get(self.kind, READY_OIP)) == 200


@contextmanager
def running_server(kind: str, weights: Path) -> Iterator[ModelServer]:
    """Run a server of *kind*. Raises UninstallableError."""
    # Triton has unix sockets in there, whose paths are short, and pytest's directories are not.
    with tempfile.TemporaryDirectory() as directory:
        server = ModelServer(kind, weights, Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.stop()
