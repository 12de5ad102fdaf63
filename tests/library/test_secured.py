"""Redis by TCP with TLS, and as a user who may do no more than the gateway needs."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trustme

from app.detection.reference_set.references import Calibration
from app.library.lifecycle import open_library
from app.library.rules.capacity import CAPACITY
from app.library.rules.expiry import Lifetimes
from app.library.server.addresses import connected
from app.library.shared.leases import RENEW
from app.ports import Tally
from tests.faults.service import free_port
from tests.library.clocks import Clock
from tests.library.findings import sample, trigger
from tests.library.limited import let_in, refused
from tests.library.servers import eventually, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from app.library.shared.calibration_store import RedisCalibrationStore
    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server

DAY = timedelta(days=1)


@pytest.fixture
def encrypted(tmp_path: Path) -> tuple[int, Path, list[str]]:
    """Return a port, the certificate of an authority, and the options of a server with TLS there.

    The Valkey of the wheel is built without TLS.
    """
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server is installed")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    mine = authority.issue_cert("127.0.0.1")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in mine.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    port = free_port()
    return (
        port,
        tmp_path / "ca.pem",
        [
            *("--bind", "127.0.0.1", "--tls-port", str(port), "--tls-auth-clients", "no"),
            *("--tls-cert-file", str(tmp_path / "cert.pem")),
            *("--tls-key-file", str(tmp_path / "key.pem")),
        ],
    )


async def test_tls_with_an_authority_of_ones_own(encrypted: tuple[int, Path, list[str]]) -> None:
    """A server whose certificate the named authority signed is trusted, and no other."""
    port, authority, options = encrypted
    url = f"rediss://127.0.0.1:{port}/0"
    with running(str(shutil.which("redis-server")), *options):
        async with open_library(f"{url}?ssl_ca_certs={authority}", "signs") as (library, _):
            assert library.problem() is None
            await library.register(trigger())
        async with open_library(url, "signs") as (library, _):
            assert "CERTIFICATE_VERIFY_FAILED" in str(library.problem())


@pytest.fixture
def limited(server: Server) -> Iterator[Callable[[], str]]:
    """Let the user of `docs/redis.md` in; return what was refused so far."""
    with server.client() as client:
        let_in(client)
        yield lambda: refused(client)


async def test_a_user_who_may_do_no_more_than_that(
    server: Server, limited: Callable[[], str]
) -> None:
    """The commands in the documentation are enough for all that the gateway does, also anew."""
    clock = Clock()
    url = server.url.replace("unix://", "unix://neo:secret@")

    def worker() -> AbstractAsyncContextManager[tuple[RedisTriggerLibrary, RedisCalibrationStore]]:
        return open_library(
            url, "signs", lifetimes=Lifetimes(DAY, DAY), clock=clock, store_clock=clock
        )

    async with worker() as (one, calibrations):
        async with worker() as (other, _):
            kept = await one.register(trigger(1))
            await one.hit(kept.id, sample(1))
            await one.refine(kept.id, trigger(1, x=9))
            one.count(screened=2, flagged=1)
            await eventually(lambda: other.tally() == Tally(2, 1) and bool(other.entries()))
            await other.dismiss(kept.id)
            await other.restore(kept.id)
            await calibrations.seed()
            await calibrations.keep_placebo_rates("refs", {"3x3": 0.25})
            await calibrations.placebo_rates("refs")
            await calibrations.calibration("refs", _measure)
            clock.forward(DAY)
            await eventually(lambda: not one.entries() and not other.entries())
        for target in range(CAPACITY + 1):  # with nobody beside, who would read each change whole
            await one.register(trigger(target))
        async with worker() as (other, _), connected(url) as client:
            await eventually(lambda: len(other.entries()) == CAPACITY)
            await client.set("neo:{signs}:lease", "mine")
            await client.register_script(RENEW)(["neo:{signs}:lease"], ["mine", 1])
            with server.client() as owner:
                owner.flushall()
            await eventually(lambda: _triggers(server) == CAPACITY)
            await calibrations.write_back()
            assert (None, None) == (one.problem(), other.problem())
    assert "" == limited()


async def test_that_user_reaches_nothing_else(server: Server, limited: Callable[[], str]) -> None:
    """The limited user neither sees other programs' keys nor may it empty the server."""
    url = server.url.replace("unix://", "unix://neo:secret@")
    async with open_library(url, "signs"):
        assert "" == limited()
    with server.client() as client:
        for command in (("GET", "other"), ("FLUSHALL",), ("KEYS", "*"), ("CONFIG", "GET", "*")):
            assert "no permissions" in str(client.execute_command("ACL", "DRYRUN", "neo", *command))


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("-hset", "(the command hset|a command, or the gateway's keys)"),
        ("resetkeys", "a command, or the gateway's keys"),
    ],
)
@pytest.mark.usefixtures("limited")
async def test_what_that_user_may_not_do_is_named(server: Server, without: str, said: str) -> None:
    """A right that is missing is told with the setting, and with the command that was denied."""
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "neo", without)
    url = server.url.replace("unix://", "unix://neo:secret@")
    async with open_library(url, "signs") as (library, _):
        await library.register(trigger())
        await eventually(lambda: library.problem() is not None)
        problem = library.problem() or ""
        assert re.fullmatch(f"Redis denies the user in NEO_REDIS_URL {said}", problem)


async def _measure() -> Calibration:
    return Calibration(np.array([7]), np.zeros((1, 1), np.int64))


def _triggers(server: Server) -> int:
    with server.client() as client:
        return int(client.hlen("neo:{signs}:v1:triggers"))
