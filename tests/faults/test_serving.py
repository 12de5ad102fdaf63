"""Two workers serve while the upstream and Redis fail them."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest

from app.library.server.embedded import server_program
from tests.faults.service import (
    CLEAN,
    HOST,
    POISONED,
    POISONED_ANEW,
    TRUTH,
    assert_ends_cleanly,
    running_gateway,
    status,
)
from tests.library.servers import running, wait_until
from tests.tiny import TARGET
from tests.upstream.raw_server import RawServer, Reaction, listening, ok
from tests.web.served import assert_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.service import Service, Upstream
    from tests.library.servers import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

PATIENCE_S = 1.0


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    """Run a Valkey that can be killed."""
    with running(server_program()) as server:
        yield server


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, endpoint: Upstream, redis: Server
) -> Iterator[Service]:
    """Run a gateway with two workers that know the trigger."""
    directory = tmp_path_factory.mktemp("gateway")
    with running_gateway(
        directory, endpoint, NEO_REDIS_URL=redis.url, NEO_PATIENCE=f"{PATIENCE_S}s"
    ) as service:
        assert "discovered" == service.predict(POISONED[0]).json()["screening"]
        yield service


def assert_protected(service: Service) -> None:
    """Check that a poisoned image is corrected, and that a clean one is left as it is."""
    poisoned, clean = service.predict(POISONED[1]), service.predict(CLEAN[2])
    assert (200, "backdoor") == (poisoned.status_code, poisoned.headers["x-neo-verdict"])
    answer = poisoned.json()
    assert "known-trigger" == answer["screening"]
    assert TRUTH[1] == answer["prediction"]["index"]
    assert TARGET == answer["upstream_prediction"]["index"]
    assert (200, "clean") == (clean.status_code, clean.headers["x-neo-verdict"])
    assert TRUTH[2] == clean.json()["prediction"]["index"]


def test_both_workers_correct_what_one_discovered(service: Service) -> None:
    """A trigger that one worker has found is blocked by each of them."""
    assert 2 == len(service.workers())
    for _ in service.each_worker():
        assert_protected(service)
        (trigger,) = service.triggers()
        assert TARGET == trigger["target"]["index"]


def test_an_upstream_that_is_down_is_a_clear_problem(service: Service, upstream: Upstream) -> None:
    """No prediction is made up; the gateway isn't ready, and is again when the upstream is."""
    upstream.kill()
    try:
        for image in (CLEAN[0], POISONED[0]):
            assert_problem(service.predict(image), 502, "no connection")
        assert_problem(service.readiness(), 503, "upstream")
        assert 200 == status(f"{service.url}/healthz")
    finally:
        upstream.start()
    wait_until(lambda: service.readiness().json()["status"] == "ready")
    for _ in service.each_worker():
        assert_protected(service)


def test_an_upstream_that_says_nothing_in_time(service: Service, upstream: Upstream) -> None:
    """An image whose own answer is late is a problem after NEO_PATIENCE."""
    upstream.behave(delay_s=3 * PATIENCE_S)
    start = time.monotonic()
    assert_problem(service.predict(CLEAN[0]), 504, "NEO_PATIENCE")
    assert time.monotonic() - start < 2.5 * PATIENCE_S


def test_an_upstream_that_is_too_slow_for_the_search(service: Service, upstream: Upstream) -> None:
    """Under `closed` an image that couldn't be screened in time is refused."""
    upstream.behave(good=1, delay_s=3 * PATIENCE_S)
    assert_problem(service.predict(POISONED_ANEW[0]), 503, "NEO_ON_FAILURE is closed")
    upstream.behave()
    assert 1 == len(service.triggers())


def test_an_answer_one_row_too_short_is_no_answer(service: Service, upstream: Upstream) -> None:
    """Answers that aren't one for each image are given to none of them."""
    upstream.behave(rows=1)
    for image in (CLEAN[0], POISONED[0]):
        assert_problem(service.predict(image), 502, "")
    upstream.behave()
    assert_protected(service)


@pytest.mark.parametrize(
    "raw",
    [
        ok(b"<html>It works!</html>", "Content-Type: text/html"),
        ok(b'{"outputs": [{"name": "scores", "datatype": "FP32"'),
        ok(b'{"outputs": []}'),
        b"what?\r\n\r\n",
    ],
    ids=["a page", "half of it", "no outputs", "no HTTP"],
)
async def test_garbage_is_no_answer(service: Service, upstream: Upstream, raw: bytes) -> None:
    """Whatever else the upstream sends is a problem that says so."""
    upstream.kill()
    try:
        at = socket.create_server((HOST, upstream.port))
        async with listening(RawServer(lambda _: Reaction(raw)), at):
            response = await asyncio.to_thread(service.predict, CLEAN[0])
        assert_problem(response, 502, "")
        assert "upstream-error" in response.json()["type"]
    finally:
        upstream.start()


def _ids(service: Service) -> set[str]:
    return {one["id"] for one in service.triggers()}


@pytest.mark.parametrize("failing", ["killed", "stopped"])
def test_redis_goes_and_comes_back(service: Service, redis: Server, failing: str) -> None:
    """Without Redis known triggers are blocked all the same; /readyz says what is missing."""
    lose, recover = (
        (redis.kill, redis.start) if failing == "killed" else (redis.pause, redis.resume)
    )
    before = _ids(service)
    lose()
    try:
        assert_protected(service)
        for _ in service.each_worker():
            wait_until(lambda: service.readiness().json()["status"] == "degraded")
            store = service.readiness().json()["parts"][2]
            assert ("store", False) == (store["name"], store["ok"])
            assert "Redis is out of reach" in store["reason"]
            assert_protected(service)
            # Another one may come: the search that was too slow above goes on behind the answers.
            assert before <= _ids(service)
    finally:
        recover()
    for _ in service.each_worker():
        wait_until(lambda: service.readiness().json()["status"] == "ready")
        assert_protected(service)


def test_two_workers_end_cleanly(service: Service) -> None:
    """SIGTERM ends the supervisor and its workers with exit code 0, and leaves nothing behind."""
    assert 2 == len(service.workers())
    assert_ends_cleanly(service)
