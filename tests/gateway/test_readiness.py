"""Whether a worker can do its job, part by part."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.gateway.readiness import Part, Readiness, UpstreamCheck
from app.ports import UpstreamStatusError
from app.settings import Strategy
from tests.gateway.opened import START_S, opened
from tests.library.servers import eventually
from tests.tiny import TinyModel

if TYPE_CHECKING:
    from pathlib import Path


def named(readiness: Readiness) -> dict[str, str | None]:
    """Return the problem of each part."""
    return {part.name: part.problem for part in readiness.parts}


async def test_all_is_well(store_url: str, name: str) -> None:
    """A worker with everything it needs is ready, and not degraded."""
    async with opened(store_url, name) as worker:
        readiness = await worker.gateway.readiness()
    assert {"upstream": None, "references": None, "store": None} == named(readiness)
    assert (True, False) == (readiness.ready, readiness.degraded)


async def test_without_the_upstream_it_is_not_ready(store_url: str, name: str) -> None:
    """The upstream's own words are the reason."""
    async with opened(store_url, name) as worker:
        worker.model.failure = UpstreamStatusError(503, "loading")
        readiness = await worker.gateway.readiness()
    assert "the upstream answered 503: loading" == named(readiness)["upstream"]
    assert (False, False) == (readiness.ready, readiness.degraded)


async def test_an_upstream_that_hangs_is_not_waited_for() -> None:
    """A check that takes longer than patience is an answer too."""

    class Hanging(TinyModel):
        async def check(self) -> None:
            await asyncio.Event().wait()

    part = await UpstreamCheck(Hanging(), 0.05).part()
    assert "no answer within NEO_PATIENCE (0.05 s)" == part.problem


async def test_all_who_ask_at_the_same_time_share_one_check() -> None:
    """However many ask, the model server is asked once; and anew by who comes afterwards."""
    asked, may_end = [], asyncio.Event()

    class Counting(TinyModel):
        async def check(self) -> None:
            asked.append(1)
            await may_end.wait()

    check = UpstreamCheck(Counting(), START_S)
    asking = [asyncio.create_task(check.part()) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()  # who goes takes nobody's answer along
    may_end.set()
    parts = await asyncio.gather(*asking[1:])
    assert ({None}, 1) == ({part.problem for part in parts}, len(asked))
    await check.part()
    assert 2 == len(asked)


async def test_before_the_calibration_it_is_not_ready(store_url: str, name: str) -> None:
    """The references are named while they are calibrated."""
    async with opened(store_url, name, prepare=False) as worker:
        readiness = await worker.gateway.readiness()
    assert "the references are being calibrated" == named(readiness)["references"]
    assert not readiness.ready


async def test_a_plain_proxy_needs_no_references(store_url: str, name: str) -> None:
    """With the strategy `off` it is degraded without them: there are no examples."""
    async with opened(store_url, name, prepare=False, strategy=Strategy.OFF) as worker:
        readiness = await worker.gateway.readiness()
    assert (True, True) == (readiness.ready, readiness.degraded)


async def test_without_the_store_it_never_becomes_ready(tmp_path: Path, name: str) -> None:
    """A worker that has never read the library isn't ready, and says that it is the store."""
    async with (
        opened(f"unix://{tmp_path}/none", name, prepare=False) as worker,
        worker.preparation.running(),
    ):
        await eventually(lambda: "yet:" in (worker.preparation.problem or ""), START_S)
        readiness = await worker.gateway.readiness()
    assert "Redis is out of reach" in (named(readiness)["references"] or "")
    assert "Redis is out of reach" in (named(readiness)["store"] or "")
    assert not readiness.ready


def test_a_part_that_is_not_needed_degrades() -> None:
    """What the gateway can go on without for a while degrades it; what it needs doesn't."""
    store = Part("store", "away", needed=False)
    assert Readiness((Part("upstream", None), store)).degraded
    assert not Readiness((Part("upstream", "away"), store)).degraded
