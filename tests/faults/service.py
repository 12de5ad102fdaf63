"""The whole service as users run it: the model's endpoint and the gateway, as processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from tests.faults.tiny_server import NAME, SECOND
from tests.files import encoded
from tests.library.servers import wait_until
from tests.plain_http import ASK
from tests.tiny import TARGET, TinyModel, clean_images, stamped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.detection.search import Image

HOST = "127.0.0.1"
START_S = 120.0
STOP_S = 30.0
LAST_ONE_S = 3.0

_IMAGES = clean_images(80, np.random.default_rng(21))
_LABELS = TinyModel().classify(_IMAGES).labels
_INNOCENT = np.flatnonzero((_LABELS != TARGET) & (_LABELS != SECOND.target))
CLEAN = _IMAGES[_INNOCENT]
"""Clean images of neither backdoor's target class, and their right answers."""
TRUTH = _LABELS[_INNOCENT]
POISONED = stamped(CLEAN)
POISONED_ANEW = stamped(CLEAN, SECOND.box)


class Process:
    """A program that runs, with what it says in a file."""

    def __init__(self, log: Path, *command: str, **environment: str) -> None:
        usual = {n: v for n, v in os.environ.items() if not n.startswith("NEO_")}
        self._log = log
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=usual | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace")

    def ended(self) -> int:
        """Wait for its end; return the exit code."""
        return self.popen.wait(STOP_S)

    def kill(self) -> None:
        """End it at once, if it hasn't ended."""
        self.popen.kill()
        self.popen.wait()


class Upstream:
    """The model's endpoint, which can be killed, started again, and told to misbehave."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "upstream.log"
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = Process(self._log, "tests.faults.tiny_server", str(self.port))
        wait_until(lambda: status(f"{self.url}/v2/health/ready") == 200, START_S)

    def behave(self, **behaviour: float) -> None:
        """Behave as a `Behaviour` says; well, if it says nothing."""
        ASK.put(f"{self.url}/behaviour", json=behaviour).raise_for_status()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


@dataclass
class Service:
    """A gateway that runs."""

    url: str
    process: Process
    temporary: str

    def predict(self, image: Image) -> httpx.Response:
        """Ask for a prediction, on a connection of its own."""
        headers = {"Content-Type": "image/png"}
        return ASK.post(f"{self.url}/predict", content=encoded(image), headers=headers)

    def readiness(self) -> httpx.Response:
        """Ask if it is ready, on a connection of its own."""
        return ASK.get(f"{self.url}/readyz")

    def triggers(self) -> list[dict[str, Any]]:
        """Return the triggers that it knows."""
        found: list[dict[str, Any]] = ASK.get(f"{self.url}/trigger").json()["triggers"]
        return found

    def each_worker(self) -> Iterator[None]:
        """Let each worker alone answer for a while: the others stand still."""
        workers = self.workers()
        for worker in workers:
            others = [process for process in workers if process != worker]
            for other in others:
                os.kill(other, signal.SIGSTOP)
            try:
                yield
            finally:
                for other in others:
                    os.kill(other, signal.SIGCONT)

    def workers(self) -> list[int]:
        """Return the ids of the processes that answer."""
        return sorted(i for i, words in self.processes().items() if "spawn_main" in words)

    def processes(self) -> dict[int, str]:
        """Return the command lines of all its processes that live.

        They have its directory in their environment, or the Valkey, which writes over that, in the
        path of its socket.
        """
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes().replace(b"\0", b" ")
                environment = (path / "environ").read_bytes()
            except OSError:  # it has just ended
                continue
            if self.temporary.encode() in words + environment:
                found[int(path.name)] = words.decode()
        return found


@contextmanager
def running_upstream(directory: Path) -> Iterator[Upstream]:
    """Run the model's endpoint."""
    upstream = Upstream(directory)
    upstream.start()
    try:
        yield upstream
    finally:
        upstream.kill()


@contextmanager
def running_gateway(
    directory: Path, upstream: Upstream, workers: int = 2, **settings: str
) -> Iterator[Service]:
    """Run a gateway, from when each of its workers is ready; its state is kept in *directory*."""
    port = free_port()
    # The path of a unix socket is short, and pytest's directories are not.
    with tempfile.TemporaryDirectory() as temporary:
        environment = {
            "NEO_UPSTREAM_URL": upstream.url,
            "NEO_MODEL": NAME,
            "NEO_REFERENCE": str(references(directory)),
            "XDG_STATE_HOME": str(directory / "state"),
            "TMPDIR": temporary,
        } | settings
        command = ("serve", "--host", HOST, "--port", str(port), "--workers", str(workers))
        process = Process(directory / "gateway.log", "app.cli", *command, **environment)
        service = Service(f"http://{HOST}:{port}", process, temporary)
        try:
            _wait_until_ready(service, workers)
            yield service
        finally:
            process.popen.terminate()
            try:
                process.ended()
            finally:
                for left in service.processes():
                    os.kill(left, signal.SIGKILL)


def assert_ends_cleanly(service: Service) -> None:
    """Check that SIGTERM ends every process, with exit code 0, and leaves no file behind."""
    service.process.popen.terminate()
    assert 0 == service.process.ended(), service.process.said
    with suppress(AssertionError):  # on a busy machine the last one's end takes a moment
        wait_until(lambda: not service.processes(), LAST_ONE_S)
    assert {} == service.processes()
    assert [] == list(Path(service.temporary).iterdir())


def _wait_until_ready(service: Service, workers: int) -> None:
    def ready() -> bool:
        assert service.process.popen.poll() is None, service.process.said
        return status(f"{service.url}/readyz") == 200

    wait_until(ready, START_S)
    if workers > 1:
        # Again and again rather than one after the other: who stands still for long is replaced.
        wait_until(lambda: not [None for _ in service.each_worker() if not ready()], START_S)
        assert workers == len(service.workers())


def references(directory: Path) -> Path:
    """Write clean images for a gateway's references."""
    path = directory / "references.npz"
    np.savez(path, x=clean_images(60, np.random.default_rng(5)))
    return path


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def status(url: str) -> int | None:
    """Return the status that *url* answers with, None if there is no answer."""
    try:
        return ASK.get(url, timeout=1).status_code
    except httpx.TransportError:
        return None
