"""The servers of one measurement: the cheap upstream, a fresh Valkey, a gateway; each on its core.

The gateway has a core to itself. The upstream, the Valkey and the client share the other one.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import numpy as np

from app.bench.gateway import BenchError, free_port, running_gateway, stop
from app.library.lifecycle import open_library
from app.library.server.embedded import embedded_valkey
from tests.benchmarks.speed import processes
from tests.benchmarks.speed.model import ColourModel
from tests.benchmarks.speed.upstream import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.detection.trigger import Trigger

REFERENCES = 200
START_S = 30.0
ROOT = Path(__file__).parents[3]
GATEWAYS_CORE, OUR_CORE = 0, 1


@dataclass(frozen=True)
class Setting:
    """What is measured: a gateway of *strategy* in front of images of ``side`` x ``side`` x 3.

    ``budget`` is NEO_PROBE_BUDGET, ``known`` the triggers that the library has at the start.
    """

    strategy: str = "full"
    side: int = 48
    budget: str = ""
    known: Sequence[Trigger] = ()
    references: int = REFERENCES
    workers: int = 1
    delay_ms: float = 0.0


@dataclass(frozen=True)
class Servers:
    """Their ports, and the gateway's worker processes."""

    upstream: int
    gateway: int
    workers: tuple[int, ...]

    def cpu_seconds(self) -> float:
        """Return the CPU time that the workers have taken so far."""
        return sum(map(processes.cpu_seconds, self.workers))

    def stats(self) -> tuple[int, int]:
        """Return how many images the upstream was asked so far, in how many requests."""
        told = httpx.get(f"http://127.0.0.1:{self.upstream}/stats").json()
        return told["images"], told["requests"]


@contextmanager
def running(setting: Setting) -> Iterator[Servers]:
    """Run the servers; yield them when the gateway is ready."""
    with upstream(setting) as port, gateway(setting, port) as servers:
        yield servers


@contextmanager
def gateway(setting: Setting, upstream: int, tree: Path = ROOT) -> Iterator[Servers]:
    """Run the gateway of a source *tree* with a Valkey, before the *upstream* at this port."""
    with (
        tempfile.TemporaryDirectory(prefix="neo-speed-") as scratch,
        embedded_valkey() as redis_url,
    ):
        asyncio.run(_register(redis_url, setting.known))
        references = Path(scratch) / "references.npz"
        np.savez(references, x=ColourModel(setting.side).clean_images(setting.references, seed=1))
        usual = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
        environment = usual | {
            "NEO_UPSTREAM_URL": f"http://127.0.0.1:{upstream}",
            "NEO_MODEL": NAME,
            "NEO_REFERENCE": str(references),
            "NEO_REDIS_URL": redis_url,
            "NEO_STRATEGY": setting.strategy,
            "NEO_PROBE_BUDGET": setting.budget,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(tree),
            "PYTHONSAFEPATH": "1",  # else Python would look for `app` where we run, before it
        }
        log = Path(scratch) / "gateway.log"
        with running_gateway(environment, log, lambda _: None, setting.workers) as running:
            workers = tuple(processes.workers(running.process.pid))
            if setting.workers == 1:
                processes.pin(workers[0], {GATEWAYS_CORE})
            port = urlsplit(running.url).port
            assert port is not None
            yield Servers(upstream, port, workers)


@contextmanager
def upstream(setting: Setting) -> Iterator[int]:
    """Run the upstream; yield its port."""
    with tempfile.TemporaryDirectory(prefix="neo-speed-") as scratch:
        log = Path(scratch) / "upstream.log"
        with _logged_upstream(setting, log) as port:
            yield port


@contextmanager
def _logged_upstream(setting: Setting, log: Path) -> Iterator[int]:
    port = free_port()
    module = ("tests.benchmarks.speed.upstream", str(port), str(setting.side))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module, str(setting.delay_ms)],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/v2/health/ready", log)
        processes.pin(process.pid, {OUR_CORE})
        yield port
    finally:
        stop(process)


def _wait(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    message = f"{url} doesn't answer: {log.read_text()[-500:]}"
    raise BenchError(message)


async def _register(redis_url: str, known: Sequence[Trigger]) -> None:
    if known:
        async with open_library(redis_url, NAME) as (library, _):
            for trigger in known:
                await library.register(trigger)
