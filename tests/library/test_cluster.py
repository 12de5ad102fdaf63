"""A cluster of three servers; one that is named as if it were alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from app.library.lifecycle import open_library
from app.library.records.names import Keys
from app.ports import Tally
from tests.faults.service import free_port
from tests.library.findings import sample, trigger
from tests.library.limited import let_in, refused
from tests.library.servers import eventually, program_of, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.library.servers import Server

SLOTS = 16_384
Members = list[tuple[int, "Server"]]


@pytest.fixture(params=["valkey", "redis"])
def members(request: pytest.FixtureRequest) -> Iterator[Members]:
    """Yield the ports and servers of a cluster without replicas."""
    program = program_of(request.param)
    with ExitStack() as stack:
        found = []
        for _ in range(3):
            port, bus = free_port(), free_port()
            options = (
                *("--bind", "127.0.0.1", "--port", str(port)),
                *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
            )
            found.append((port, stack.enter_context(running(program, *options)), bus))
        ends = [SLOTS * number // 3 for number in range(4)]
        for number, (_, server, _) in enumerate(found):
            with server.client() as client:
                client.execute_command(
                    "CLUSTER", "ADDSLOTSRANGE", ends[number], ends[number + 1] - 1
                )
                for port, _, bus in found:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus)
        for _, server, _ in found:
            wait_until(lambda: _complete(server), seconds=30)  # noqa: B023
        yield [(port, server) for port, server, _ in found]


async def test_the_triggers_of_a_model_live_on_one_of_them(members: Members) -> None:
    """A user who may do little finds the server with the model's slot, without its scripts too."""
    for _, server in members:
        with server.client() as client:
            let_in(client, "+cluster|slots", "+command")
    url = f"redis+cluster://neo:secret@127.0.0.1:{members[0][0]},127.0.0.1:{members[1][0]}"
    async with open_library(url, "signs") as (one, rates), open_library(url, "signs") as (other, _):
        kept = await one.register(trigger())
        await eventually(lambda: bool(other.entries()))
        for _, server in members:
            with server.client() as client:
                client.script_flush()
        await other.hit(kept.id, sample(1))
        other.count(screened=2, flagged=1)
        await eventually(lambda: one.tally() == Tally(2, 1) and one.entry(kept.id).hits == 1)
        await one.dismiss(kept.id)
        assert await rates.seed() == await rates.seed()
        await rates.keep_placebo_rates("refs", {"3x3": 0.25})
        assert {"3x3": 0.25} == await rates.placebo_rates("refs")
        await eventually(lambda: not other.entries())
        assert (None, None) == (one.problem(), other.problem())
    assert 1 == len([server for _, server in members if _holds(server)])
    for _, server in members:
        with server.client() as client:
            assert "" == refused(client)


@pytest.mark.parametrize(
    "members", ["valkey", pytest.param("redis", marks=pytest.mark.slow)], indirect=True
)
async def test_one_that_dies_is_waited_for(members: Members) -> None:
    """While the server with the model's slot is down each worker goes on; then it catches up."""
    url = f"redis+cluster://127.0.0.1:{members[0][0]},127.0.0.1:{members[1][0]}"
    async with open_library(url, "signs") as (one, _), open_library(url, "signs") as (other, _):
        await one.register(trigger(1))
        (home,) = [server for _, server in members if _holds(server)]
        home.kill()
        await eventually(lambda: one.problem() is not None)
        assert "Redis is out of reach" in str(one.problem())
        await one.register(trigger(2))
        home.start()
        await eventually(lambda: len(other.entries()) == 2, seconds=30)
        await eventually(lambda: one.problem() is None, seconds=30)


async def test_a_cluster_named_as_one_server_is_a_clear_problem(members: Members) -> None:
    """A redis:// URL of a member that hasn't the model's slot says which URL would do."""
    async with open_library(f"redis+cluster://127.0.0.1:{members[0][0]}", "signs") as (library, _):
        await library.register(trigger())
    (port, *_) = [port for port, server in members if not _holds(server)]
    async with open_library(f"redis://127.0.0.1:{port}", "signs") as (library, _):
        assert "redis+cluster://" in str(library.problem())


async def test_one_server_named_as_a_cluster_is_a_clear_problem(server: Server) -> None:
    """A redis+cluster:// URL of a server that is alone says that it isn't one."""
    port = free_port()
    with server.client() as client:
        client.config_set("port", port)
    async with open_library(f"redis+cluster://127.0.0.1:{port}", "signs") as (library, _):
        assert "Cluster mode is not enabled" in str(library.problem())


def _complete(server: Server) -> bool:
    with server.client() as client:
        facts = str(client.cluster("INFO"))
        return all(fact in facts for fact in ("'ok'", "'cluster_known_nodes': '3'"))


def _holds(server: Server) -> bool:
    with server.client() as client:
        return Keys("signs").triggers.encode() in client.keys("*")
