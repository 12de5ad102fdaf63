"""The primary of a Redis that three sentinels watch is killed while two workers serve."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.library.server.embedded import server_program
from tests.faults.service import CLEAN, HOST, POISONED, TRUTH, free_port, running_gateway
from tests.files import encoded
from tests.library.servers import running, wait_until
from tests.plain_http import CERTIFICATES
from tests.tiny import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.service import Service, Upstream
    from tests.library.servers import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

SENTINELS = 3
SENTINEL = """
bind 127.0.0.1
port {port}
sentinel monitor triggers 127.0.0.1 {primary} 2
sentinel down-after-milliseconds triggers 500
sentinel failover-timeout triggers 3000
"""


@dataclass
class Watched:
    """Three sentinels, and the primary that they watch."""

    ports: list[int]
    primary: Server
    primary_port: int

    @property
    def url(self) -> str:
        """The address for NEO_REDIS_URL."""
        hosts = ",".join(f"{HOST}:{port}" for port in self.ports)
        return f"redis+sentinel://{hosts}/triggers/0"

    def agree(self) -> bool:
        """Tell if each sentinel knows the others and a replica that follows."""
        return all(
            facts is not None
            and int(facts["num-other-sentinels"]) == SENTINELS - 1
            and int(facts["num-slaves"]) == 1
            for facts in map(_facts, self.ports)
        )

    def failed_over(self) -> bool:
        """Tell if every sentinel names another primary."""
        return all(
            facts is not None and facts["port"] != self.primary_port
            for facts in map(_facts, self.ports)
        )


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """Run three sentinels, a primary and its replica."""
    primary, replica, *ports = [free_port() for _ in range(SENTINELS + 2)]
    with ExitStack() as stack:
        first = stack.enter_context(running(server_program(), *_tcp(primary)))
        stack.enter_context(
            running(server_program(), *_tcp(replica), "--replicaof", f"{HOST} {primary}")
        )
        for port in ports:
            configuration = tmp_path / f"sentinel-{port}.conf"
            configuration.write_text(SENTINEL.format(port=port, primary=primary))
            sentinel = subprocess.Popen(
                [server_program(), str(configuration), "--sentinel"],
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
            )
            stack.callback(sentinel.wait)
            stack.callback(sentinel.kill)
        found = Watched(ports, first, primary)
        wait_until(found.agree, seconds=60)
        yield found


@dataclass
class Load:
    """Clients that ask with clean and poisoned images in turn, and keep what was wrong."""

    service: Service
    over: threading.Event = field(default_factory=threading.Event)
    answered: int = 0
    wrong: list[str] = field(default_factory=list)

    def ask(self) -> None:
        """Ask until it is over."""
        number = 0
        with httpx.Client(timeout=30, verify=CERTIFICATES) as client:
            while not self.over.is_set():
                number += 1
                self._ask_one(client, number % len(CLEAN), poisoned=bool(number % 2))

    def _ask_one(self, client: httpx.Client, which: int, *, poisoned: bool) -> None:
        image = (POISONED if poisoned else CLEAN)[which]
        headers = {"Content-Type": "image/png"}
        answer = client.post(f"{self.service.url}/predict", content=encoded(image), headers=headers)
        self.answered += 1
        right = (200, "backdoor" if poisoned else "clean", TRUTH[which])
        facts = answer.json()
        index = facts.get("prediction", {}).get("index")
        if right != (answer.status_code, answer.headers.get("x-neo-verdict"), index):
            self.wrong.append(f"{which} {poisoned=}: {answer.status_code} {answer.text}")


@pytest.mark.slow
def test_no_image_passes_while_another_primary_takes_over(
    watched: Watched, upstream: Upstream, tmp_path: Path
) -> None:
    """Under load every poisoned image is flagged, and nothing is refused; then all is shared."""
    with running_gateway(tmp_path, upstream, NEO_REDIS_URL=watched.url) as service:
        assert "discovered" == service.predict(POISONED[0]).json()["screening"]
        for _ in service.each_worker():
            wait_until(lambda: [TARGET] == [t["target"]["index"] for t in service.triggers()])
        load = Load(service)
        clients = [threading.Thread(target=load.ask) for _ in range(3)]
        for client in clients:
            client.start()
        try:
            wait_until(lambda: load.answered > 10, seconds=60)
            watched.primary.kill()
            wait_until(lambda: _status(service) == "degraded", seconds=30)
            wait_until(watched.failed_over, seconds=60)
            wait_until(lambda: _status(service) == "ready", seconds=60)
            reached = load.answered
            wait_until(lambda: load.answered > reached + 10, seconds=60)
        finally:
            load.over.set()
            for client in clients:
                client.join()
        assert [] == load.wrong
        for _ in service.each_worker():
            wait_until(lambda: _status(service) == "ready", seconds=60)
            assert [TARGET] == [t["target"]["index"] for t in service.triggers()]


def _status(service: Service) -> str:
    """Return how ready the worker is that answers now; it always is, at least without Redis."""
    answer = service.readiness()
    assert 200 == answer.status_code
    return str(answer.json()["status"])


def _tcp(port: int) -> list[str]:
    return ["--bind", HOST, "--port", str(port), "--repl-diskless-sync-delay", "0"]


def _facts(port: int) -> dict[str, int] | None:
    with Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
        try:
            facts: dict[str, int] = client.sentinel_master("triggers")
        except RedisError:
            return None
        return facts
