"""A worker that isn't ready lets nobody in while another one is; alone it says what is missing."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from app.library.server.embedded import server_program
from tests.faults.service import CLEAN, running_gateway
from tests.library.servers import running, wait_until
from tests.serving.processes.test_draining import ask_once, under_load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.service import Service, Upstream
    from tests.library.servers import Server
    from tests.serving.processes.test_draining import Load

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

PATIENCE_S = 60.0
CLIENTS = 4
AWAY = "triggers are not shared for now"


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a Valkey that keeps its data."""
    with running(server_program()) as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, endpoint: Upstream, server: Server) -> Iterator[Service]:
    """Run a gateway with two workers on that Valkey."""
    with running_gateway(tmp_path, endpoint, NEO_REDIS_URL=server.url) as service:
        yield service


def ask_anew(url: str, load: Load) -> None:
    """Ask on a connection of its own each time, as many clients do."""
    while not load.ended.is_set():
        head, _ = ask_once(url)
        load.take(int(head.split()[1]), None)


def test_without_redis_a_killed_worker_costs_no_request(service: Service, server: Server) -> None:
    """With Redis away the one that comes in its place lets nobody in; the other one answers all.

    When that has gone, too, the unready ones say what they lack; with Redis back all is well.
    """
    server.kill()
    wait_until(lambda: service.readiness().json()["status"] == "degraded", PATIENCE_S)
    killed, other = service.workers()
    os.kill(killed, signal.SIGKILL)
    with under_load(service.url, *CLIENTS * [ask_anew]) as load:
        wait_until(lambda: service.process.said.count(AWAY) == 3, PATIENCE_S)  # by the third worker
        answered = load.answered
        wait_until(lambda: load.answered > answered + 300, PATIENCE_S)
    assert [] == load.failures
    os.kill(other, signal.SIGKILL)
    wait_until(lambda: not {killed, other} & {*service.workers()}, PATIENCE_S)
    wait_until(lambda: service.readiness().status_code == 503, PATIENCE_S)
    assert "Redis is out of reach" in service.readiness().json()["detail"]
    server.start()
    for _ in service.each_worker():
        wait_until(lambda: service.readiness().status_code == 200, PATIENCE_S)
        assert 200 == service.predict(CLEAN[0]).status_code
