"""An upstream that isn't there: who asks, what /readyz says, and how it is found again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.library.memory import MemoryCalibrationStore
from app.settings import FailurePolicy
from tests.faults.defended import CLEAN, OWN, RIGHT_CLEAN, SEED, START_S, Said, defended
from tests.library.servers import eventually
from tests.upstream.faulty_server import RETRY_AFTER_S, Fault, Hits

if TYPE_CHECKING:
    from tests.faults.defended import Defended

STORE = MemoryCalibrationStore(SEED)
WELL = Said(200, "clean", RIGHT_CLEAN)
FAILURES = 5

policies = pytest.mark.parametrize("on_failure", list(FailurePolicy))


async def fail(gateway: Defended, fault: Fault) -> list[Said]:
    """Let *fault* befall everything, and ask as often as it takes to open the breaker."""
    gateway.server.arm(fault, Hits.ALL)
    return [await gateway.said(CLEAN) for _ in range(FAILURES)]


async def well_again(gateway: Defended) -> None:
    """Ask until there is an answer."""
    async with asyncio.timeout(START_S):
        while await gateway.said(CLEAN) != WELL:
            pass


@policies
async def test_an_upstream_that_is_away_is_not_asked(on_failure: FailurePolicy) -> None:
    """After five failures every image is refused at once, under both policies, with its time."""
    async with defended(on_failure, store=STORE) as gateway, gateway.preparation.running():
        await gateway.ready()
        said = await fail(gateway, Fault.BUSY)
        assert [(502, "upstream-error")] * FAILURES == [(one.status, one.problem) for one in said]
        before = gateway.server.infers
        for image in OWN:
            refused = await gateway.said(image)
            assert (503, "upstream-open") == (refused.status, refused.problem)
            assert 0 < int(refused.retry_after or 0) <= RETRY_AFTER_S
        assert before == gateway.server.infers


async def test_readiness_says_so() -> None:
    """/readyz tells the breaker's state, how often it failed, the next trial, the last error."""
    async with (
        defended(FailurePolicy.CLOSED, store=STORE) as gateway,
        gateway.preparation.running(),
    ):
        await gateway.ready()
        assert await gateway.upstream_reason() is None
        await fail(gateway, Fault.BUSY)
        reason = await gateway.upstream_reason() or ""
    assert reason.startswith("circuit breaker open after 5 failures, next trial in ")
    assert reason.endswith(" s: the upstream answered 503: full")


@policies
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.RESET, Fault.HANG])
async def test_one_that_comes_back_is_found(fault: Fault, on_failure: FailurePolicy) -> None:
    """A caller's own image is the trial, and after it all is as before."""
    async with (
        defended(on_failure, 0.5 if fault is Fault.HANG else 10.0, STORE) as gateway,
        gateway.preparation.running(),
    ):
        await gateway.ready()
        gateway.server.arm(fault, Hits.ALL)
        said = [await gateway.said(CLEAN)]
        while said[-1].problem != "upstream-open":
            said.append(await gateway.said(CLEAN))
        assert FAILURES <= len(said)  # one of the failures may be what readiness asked
        assert {one.status for one in said[:-1]} <= {502, 504}
        await gateway.server.mend()
        await well_again(gateway)
        assert await gateway.upstream_reason() is None


async def test_readiness_alone_finds_it() -> None:
    """A worker that gets no images, as it isn't ready, becomes ready again by being asked."""
    async with (
        defended(FailurePolicy.CLOSED, store=STORE) as gateway,
        gateway.preparation.running(),
    ):
        await gateway.ready()
        await fail(gateway, Fault.RESET)
        assert (await gateway.upstream_reason() or "").endswith(" (see NEO_UPSTREAM_URL)")
        await gateway.server.mend()
        async with asyncio.timeout(START_S):
            while await gateway.upstream_reason():
                pass
        assert WELL == await gateway.said(CLEAN)


async def test_health_without_inference_is_no_health() -> None:
    """A server whose model is gone isn't ready, however well its own health check answers."""
    async with (
        defended(FailurePolicy.CLOSED, store=STORE) as gateway,
        gateway.preparation.running(),
    ):
        await gateway.ready()
        gateway.server.arm(Fault.RESET, Hits.ALL)
        for _ in range(FAILURES):
            assert await gateway.upstream_reason() is None
            assert "upstream-unreachable" == (await gateway.said(CLEAN)).problem
        hit = gateway.server.hit
        async with asyncio.timeout(START_S):
            while gateway.server.hit < hit + 2:  # two trials were let through, and have failed
                assert await gateway.upstream_reason() is not None


async def test_a_full_queue_takes_nobody_new() -> None:
    """Beyond the bound images are refused at once; those that have begun go on to their end."""
    async with (
        defended(FailurePolicy.CLOSED, store=STORE, in_flight=1, waiting_images=5) as gateway,
        gateway.preparation.running(),
    ):
        await gateway.ready()
        gateway.server.arm(Fault.HANG, Hits.ALL)
        waiting = [asyncio.create_task(gateway.said(CLEAN)) for _ in range(30)]
        await eventually(lambda: gateway.server.hit == 1)
        await eventually(lambda: sum(task.done() for task in waiting) > 20)
        refused = {task.result() for task in waiting if task.done()}
        assert {Said(503, problem="overloaded", retry_after="5")} == refused
        await gateway.server.mend()
        gateway.server.go_down()  # what hangs breaks, and is asked again
        await gateway.server.listen()
        assert {*refused, WELL} == {*await asyncio.gather(*waiting)}
