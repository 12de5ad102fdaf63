"""A worker that isn't ready lets nobody in while another one is; alone it says what is missing."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from starlette.applications import Starlette

from app.gateway.readiness import Door
from app.library.server.embedded import server_program
from app.serving.processes.door import Server as Doorkeeper
from app.web.service import DOOR
from tests.faults.service import CLEAN, HOST, running_gateway
from tests.library.servers import running, wait_until
from tests.serving.processes.test_draining import ask_once, under_load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.service import Service, Upstream
    from tests.library.servers import Server
    from tests.serving.processes.test_draining import Load

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

PATIENCE_S = 60.0
CLIENTS = 4


@pytest.mark.parametrize("ready", [False, True])
@pytest.mark.parametrize("relieved", [False, True])
async def test_it_is_open_to_who_is_ready_or_alone(ready: bool, relieved: bool) -> None:  # noqa: FBT001
    """From the start, and after each change: it is closed where only others are ready."""
    door, server = Door(), doorkeeper(relieved=relieved)
    door.ready = lambda: ready
    server.lifespan.state[DOOR] = door
    with socket.create_server((HOST, 0)) as shared:
        await server.startup([shared])
        as_it_began = ready or not relieved
        assert (as_it_began, as_it_began) == (door.open, bool(server.servers))
        door.ready, server.relieved = (lambda: not ready), not relieved
        await server.on_tick(0)
        as_it_is = not ready or relieved
        assert (as_it_is, as_it_is) == (door.open, bool(server.servers))
        await server.shutdown()


def doorkeeper(*, relieved: bool) -> Doorkeeper:
    """Return a worker's server, as it is before its start."""
    config = uvicorn.Config(Starlette(), lifespan="off", log_level="warning")
    config.load()
    server = Doorkeeper(config, relieved=relieved)
    server.lifespan = config.lifespan_class(config)
    return server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a Valkey that keeps its data."""
    with running(server_program()) as server:
        yield server


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, endpoint: Upstream, server: Server
) -> Iterator[Service]:
    """Run a gateway with two workers on that Valkey."""
    directory = tmp_path_factory.mktemp("gateway")
    with running_gateway(directory, endpoint, NEO_REDIS_URL=server.url) as service:
        yield service


def ask_anew(url: str, load: Load) -> None:
    """Ask on a connection of its own each time, as many clients do."""
    while not load.ended.is_set():
        head, _ = ask_once(url)
        load.take(int(head.split()[1]), None)


def replaced_under_load(service: Service, says: str) -> None:
    """Kill one of the workers; check that no client meets a refusal while another one comes.

    Each of the three workers *says* that of Redis.
    """
    wait_until(lambda: service.process.said.count(says) >= 2, PATIENCE_S)
    killed = service.workers()[0]
    os.kill(killed, signal.SIGKILL)
    with under_load(service.url, *CLIENTS * [ask_anew]) as load:
        wait_until(lambda: service.process.said.count(says) >= 3, PATIENCE_S)
        answered = load.answered
        wait_until(lambda: load.answered > answered + 300, PATIENCE_S)
    assert [] == load.failures


@pytest.mark.slow
def test_while_redis_is_full_a_killed_worker_is_replaced(service: Service, server: Server) -> None:
    """Nobody is refused, and the new worker is ready with what can be read; all say so."""
    with full(server):
        _replaced_while_full(service)
    for _ in service.each_worker():
        wait_until(lambda: service.readiness().json()["status"] == "ready", PATIENCE_S)


@contextmanager
def full(server: Server) -> Iterator[None]:
    """Let *server* take nothing more within the block."""
    with server.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)


def _replaced_while_full(service: Service) -> None:
    wait_until(lambda: service.readiness().json()["status"] == "degraded", PATIENCE_S)
    replaced_under_load(service, "reason=Redis is full")
    for _ in service.each_worker():
        wait_until(lambda: service.readiness().status_code == 200, PATIENCE_S)
        (store,) = [part for part in service.readiness().json()["parts"] if not part["ok"]]
        assert store["reason"].startswith("Redis is full")
        assert 200 == service.predict(CLEAN[0]).status_code


@pytest.mark.slow
def test_without_redis_a_killed_worker_costs_no_request(service: Service, server: Server) -> None:
    """With Redis away the one that comes in its place lets nobody in; the other one answers all.

    When that has gone, too, the unready ones say what they lack; with Redis back all is well.
    """
    server.kill()
    wait_until(lambda: service.readiness().json()["status"] == "degraded", PATIENCE_S)
    before = service.workers()
    replaced_under_load(service, "each worker goes on alone")
    for worker in {*before} & {*service.workers()}:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not {*before} & {*service.workers()}, PATIENCE_S)
    wait_until(lambda: service.readiness().status_code == 503, PATIENCE_S)
    assert "Redis is out of reach" in service.readiness().json()["detail"]
    server.start()
    for _ in service.each_worker():
        wait_until(lambda: service.readiness().status_code == 200, PATIENCE_S)
        assert 200 == service.predict(CLEAN[0]).status_code
