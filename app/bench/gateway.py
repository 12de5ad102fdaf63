"""A gateway for the length of a measurement, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from app.library.server.embedded import TETHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

HOST = "127.0.0.1"
START_S = 60.0
"""How long it may take to answer at all; from then on only an error of its own ends the wait."""
STOP_S = 30.0
BETWEEN_LOOKS_S = 0.1
LAST_WORDS = 500


class BenchError(Exception):
    """The measurement can't be made: what is wrong, and what to do."""


@dataclass(frozen=True)
class Gateway:
    """Its address, and its process: the parent of its workers, or its only worker."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def running_gateway(
    environment: Mapping[str, str], log: Path, waiting: Callable[[str], None], workers: int = 1
) -> Iterator[Gateway]:
    """Run `neo-gateway serve` with exactly this *environment*; yield it once it is ready.

    What it says goes into *log*. *waiting* hears, again and again, what it still lacks. Raises
    BenchError if it ends before.
    """
    port = free_port()
    tied = (sys.executable, "-I", "-S", str(TETHER), str(os.getpid()))  # should we be killed
    serve = ("serve", "--host", HOST, "--port", str(port), "--workers", str(workers))
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # our own program
            [*tied, sys.executable, "-m", "app.cli", *serve],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us: we end it in order
        )
    try:
        gateway = Gateway(f"http://{HOST}:{port}", process)
        _wait_until_ready(gateway, log, waiting)
        yield gateway
    finally:
        stop(process)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def stop(process: subprocess.Popen[bytes]) -> None:
    """End *process* in order; if it takes too long, at once."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(gateway: Gateway, log: Path, waiting: Callable[[str], None]) -> None:
    silent_until = time.monotonic() + START_S
    with httpx.Client(base_url=gateway.url, timeout=START_S) as http:
        while gateway.process.poll() is None:
            try:
                answer = http.get("/readyz")
            except httpx.TransportError:
                if time.monotonic() > silent_until:
                    break
            else:
                if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    return
                waiting(answer.json()["detail"])
            time.sleep(BETWEEN_LOOKS_S)
    said = log.read_text(errors="replace").strip()[-LAST_WORDS:] or "it says nothing"
    message = f"the gateway doesn't start: {said}"
    raise BenchError(message)
