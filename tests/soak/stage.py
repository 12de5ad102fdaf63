"""The whole service as processes, with a proxy in front of whatever it depends on."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from app.library.server.embedded import server_program
from tests.faults.service import HOST, START_S, Process, Upstream, running_gateway, status
from tests.library.servers import running, wait_until
from tests.soak.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.service import Service
    from tests.library.servers import Server
    from tests.soak.endpoint import Fault

KEY, ADMIN_KEY = "soak-client", "soak-admin"
WORKERS = 2
PATIENCE = "3s"


class Model(Upstream):
    """The model's endpoint."""

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = Process(self._log, "tests.soak.endpoint", str(self.port))
        try:
            wait_until(lambda: status(f"{self.url}/v2/health/ready") == 200, START_S)
        except BaseException:
            self.kill()
            raise

    def misbehave(self, fault: Fault, seconds: float) -> None:
        """Answer so for so long."""
        told = {"fault": fault, "seconds": seconds}
        httpx.put(f"{self.url}/behaviour", json=told, timeout=5).raise_for_status()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.popen.send_signal(number)


@dataclass(frozen=True)
class Stage:
    """All that runs."""

    model: Model
    to_model: Proxy
    redis: Server
    to_redis: Proxy
    service: Service


@contextmanager
def running_stage() -> Iterator[Stage]:
    """Run everything, and end it whatever happens."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(running(server_program()))
        path = redis.url.removeprefix("unix://")
        to_redis = Proxy(partial(asyncio.open_unix_connection, path))
        stack.enter_context(to_redis.running())

        model = Model(directory)
        model.start()
        stack.callback(model.kill)
        to_model = Proxy(partial(asyncio.open_connection, HOST, model.port))
        stack.enter_context(to_model.running())

        settings = {
            "NEO_UPSTREAM_URL": f"http://{to_model.url}",
            "NEO_REDIS_URL": f"redis://{to_redis.url}",
            "NEO_API_KEYS": KEY,
            "NEO_ADMIN_KEYS": ADMIN_KEY,
            "NEO_PATIENCE": PATIENCE,
        }
        service = stack.enter_context(running_gateway(directory, model, WORKERS, **settings))
        yield Stage(model, to_model, redis, to_redis, service)
