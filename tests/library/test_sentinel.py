"""Redis by TCP: passwords, and a failover that sentinels decide."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.library.lifecycle import open_library
from app.library.server.embedded import server_program
from tests.library.findings import trigger
from tests.library.servers import eventually, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.library.servers import Server

SENTINEL = """
bind 127.0.0.1
port {port}
sentinel monitor triggers 127.0.0.1 {primary} 1
sentinel auth-pass triggers wonder
sentinel down-after-milliseconds triggers 300
sentinel failover-timeout triggers 2000
"""


@pytest.fixture
def watched() -> Iterator[tuple[str, Server]]:
    """Yield the URL of a sentinel that watches a primary and its replica, and the primary."""
    port, primary, replica = _free_ports(3)
    with ExitStack() as stack:
        first = stack.enter_context(running(server_program(), *_tcp(primary)))
        stack.enter_context(
            running(server_program(), *_tcp(replica), "--replicaof", f"127.0.0.1 {primary}")
        )
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        configuration = directory / "sentinel.conf"
        configuration.write_text(SENTINEL.format(port=port, primary=primary))
        sentinel = subprocess.Popen(
            [server_program(), str(configuration), "--sentinel"],
            cwd=directory,
            stdout=subprocess.DEVNULL,
        )
        stack.callback(sentinel.wait)
        stack.callback(sentinel.kill)
        wait_until(lambda: _knows_a_replica(port), seconds=30)
        yield f"redis+sentinel://:wonder@127.0.0.1:{port}/triggers/0", first


async def test_it_follows_a_failover(watched: tuple[str, Server]) -> None:
    """When the primary dies, the replica that takes over has the triggers and takes new ones."""
    url, primary = watched
    async with open_library(url, "signs") as (library, _), open_library(url, "signs") as (other, _):
        await library.check()
        first = await library.register(trigger(1))
        await eventually(lambda: len(other.entries()) == 1)
        primary.kill()
        await eventually(lambda: library.problem() is not None)
        second = await library.register(trigger(2))
        await eventually(lambda: len(other.entries()) == 2, seconds=30)
        assert {first.id, second.id} == {entry.id for entry in other.entries()}
        await eventually(lambda: library.problem() is None)


async def test_sentinels_that_are_away_are_a_plain_problem() -> None:
    """What is said of them has none of the client's own settings."""
    url = "redis+sentinel://user:wonder@127.0.0.1:1/triggers?client_name=blunder"
    async with open_library(url, "signs") as (library, _):
        said = str(library.problem())
    words = "Redis is out of reach: no sentinel names a master for the service in the URL"
    assert f"{words} (see NEO_REDIS_URL)" == said


async def test_a_wrong_password_is_a_problem() -> None:
    """A server that lets nobody in is a problem that names the setting; opening doesn't fail."""
    (port,) = _free_ports(1)
    with running(server_program(), *_tcp(port)):
        async with open_library(f"redis://:blunder@127.0.0.1:{port}", "signs") as (library, _):
            assert "password in NEO_REDIS_URL" in str(library.problem())
            assert "blunder" not in str(library.problem())
        async with open_library(f"redis://:wonder@127.0.0.1:{port}/1", "signs") as (library, _):
            assert library.problem() is None


def _tcp(port: int) -> list[str]:
    """Return the options of a server that is reached by TCP, with a password there only."""
    return [
        *("--bind", "127.0.0.1", "--port", str(port)),
        *("--requirepass", "wonder", "--masterauth", "wonder", "--repl-diskless-sync-delay", "0"),
    ]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _knows_a_replica(port: int) -> bool:
    with Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
        try:
            replicas = client.sentinel_slaves("triggers")
        except RedisError:
            return False
        return any(
            not replica["is_sdown"] and replica.get("slave-repl-offset") for replica in replicas
        )
