"""The demo's two servers, each in a process of its own: the model's endpoint and the gateway."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from app.demo.model import NAME, write_references
from app.digits.images import LABELS
from app.library.server.embedded import TETHER, embedded_valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST = "127.0.0.1"
START_S = 120.0
STOP_S = 30.0
BETWEEN_LOOKS_S = 0.1


class DemoError(Exception):
    """A server of the demo doesn't start; the message says which, and what it said last."""


@contextmanager
def running_gateway(
    directory: Path, port: int | None, workers: int, waiting: Callable[[str], None]
) -> Iterator[str]:
    """Run the model and the gateway in front of it; yield the gateway's base URL once it is ready.

    Their logs and the references lie in *directory*. *waiting* hears what is waited for. Raises
    DemoError, or LibraryError if the embedded Valkey can't start.
    """
    model_port, gateway_port = free_port(), port or free_port()
    model_url, gateway_url = f"http://{HOST}:{model_port}", f"http://{HOST}:{gateway_port}"
    write_references(directory / "references")
    (directory / "labels.txt").write_text("\n".join(LABELS))
    with embedded_valkey() as redis_url:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("NEO_")},
            "NEO_UPSTREAM_URL": model_url,
            "NEO_MODEL": NAME,
            "NEO_LABELS": str(directory / "labels.txt"),
            "NEO_REFERENCE": str(directory / "references"),
            "NEO_REDIS_URL": redis_url,
            "NEO_LOG_LEVEL": "warning",  # the show says the rest
        }
        model = ("demo-model", "--port", str(model_port))
        gateway = ("serve", "--port", str(gateway_port), "--workers", str(workers))
        with (
            _running(directory, environment, *model) as first,
            _running(directory, environment, *gateway) as second,
        ):
            waiting("the model")
            _wait(f"{model_url}/v2/health/ready", first, directory / "demo-model.log")
            waiting("the gateway, which measures its reference images once")
            _wait(f"{gateway_url}/readyz", second, directory / "serve.log")
            yield gateway_url


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def _running(
    directory: Path, environment: dict[str, str], command: str, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    tied = (sys.executable, "-I", "-S", str(TETHER), str(os.getpid()))  # should the demo be killed
    with (directory / f"{command}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # our own program
            [*tied, sys.executable, "-m", "app.cli", command, "--host", HOST, *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the demo, which ends them in order
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(BETWEEN_LOOKS_S)
    last_words = log.read_text(errors="replace").strip() or "it says nothing"
    message = f"{url} doesn't answer; {log.name}: {last_words[-500:]}"
    raise DemoError(message)
