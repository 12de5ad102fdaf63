"""The servers of one measurement: a model's endpoint, and a gateway with a fresh Valkey."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from app.demo.processes import free_port
from app.library.server.embedded import embedded_valkey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.benchmarks.zoo import ZooModel

START_S = 1200.0
"""Calibrating at 224x224 takes a minute of one core; there may be less of it."""


@dataclass(frozen=True)
class Servers:
    """Where they are, and the gateway's process."""

    upstream: str
    gateway: str
    gateway_pid: int
    redis: str


@contextmanager
def running(model: ZooModel, settings: Mapping[str, str], scratch: Path) -> Iterator[Servers]:
    """Run the model's endpoint and the gateway with two workers, and wait until both are ready.

    *settings* are the gateway's that this doesn't know: the references, and what isn't the default.
    """
    ports = free_port(), free_port()
    upstream, gateway = (f"http://127.0.0.1:{port}" for port in ports)
    with embedded_valkey() as redis_url:
        settings = {
            **settings,
            "NEO_UPSTREAM_URL": upstream,
            "NEO_MODEL": model.name,
            "NEO_REDIS_URL": redis_url,
        }
        served = ["tests.benchmarks.upstream", str(model.folder), model.name, str(ports[0])]
        serve = ["app.cli", "serve", "--port", str(ports[1]), "--workers", "2"]
        with _process(scratch / "upstream.log", served, {}):
            _wait(f"{upstream}/v2/health/ready")
            with _process(scratch / "gateway.log", serve, settings) as pid:
                _wait(f"{gateway}/readyz")
                yield Servers(upstream, gateway, pid, redis_url)


@contextmanager
def _process(log: Path, module: list[str], settings: Mapping[str, str]) -> Iterator[int]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            env={**others, "OMP_NUM_THREADS": "1", **settings},
            stdout=output,
            stderr=output,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(url, timeout=30).is_success:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            message = f"{url} doesn't answer"
            raise TimeoutError(message)
        time.sleep(0.2)
