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
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.zoo import ZooModel

START_S = 300.0


@dataclass(frozen=True)
class Servers:
    """Where they are."""

    upstream: str
    gateway: str


@contextmanager
def running(model: ZooModel, strategy: str, scratch: Path) -> Iterator[Servers]:
    """Run the model's endpoint and the gateway with two workers, and wait until both are ready."""
    ports = free_port(), free_port()
    upstream, gateway = (f"http://127.0.0.1:{port}" for port in ports)
    with embedded_valkey() as redis_url:
        settings = {
            "NEO_UPSTREAM_URL": upstream,
            "NEO_MODEL": model.name,
            "NEO_REFERENCE": str(model.folder / "reference.npz"),
            "NEO_REDIS_URL": redis_url,
            "NEO_STRATEGY": strategy,
            "NEO_PATIENCE": "120",
        }
        served = ["tests.benchmarks.upstream", str(model.folder), model.name, str(ports[0])]
        serve = ["app.cli", "serve", "--port", str(ports[1]), "--workers", "2"]
        with _process(scratch / "upstream.log", served, {}):
            _wait(f"{upstream}/v2/health/ready")
            with _process(scratch / "gateway.log", serve, settings):
                _wait(f"{gateway}/readyz")
                yield Servers(upstream, gateway)


@contextmanager
def _process(log: Path, module: list[str], settings: dict[str, str]) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            env={**os.environ, "OMP_NUM_THREADS": "1", **settings},
            stdout=output,
            stderr=output,
        )
    try:
        yield
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
