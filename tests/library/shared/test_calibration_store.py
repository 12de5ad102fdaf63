"""One worker measures, all have it; whoever measures may fail, hang or die."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.reference_set.references import Calibration
from app.library.lifecycle import open_library
from app.library.records.names import Keys
from app.ports import UpstreamTimeoutError

if TYPE_CHECKING:
    from app.library.shared.calibration_store import RedisCalibrationStore
    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server

Workers = list[tuple["RedisTriggerLibrary", "RedisCalibrationStore"]]

MEASURE_FOR_EVER = """
import asyncio, sys
from app.library.lifecycle import open_library

async def measure():
    print("measuring", flush=True)
    await asyncio.Event().wait()

async def main():
    async with open_library(sys.argv[1], "signs") as (_, calibrations):
        await calibrations.calibration("refs", measure)

asyncio.run(main())
"""


class Measuring:
    """A measurement that counts how often it began, and ends when it is told to."""

    def __init__(self, label: int = 4) -> None:
        self.begun = asyncio.Semaphore(0)
        self.times = 0
        self.may_end = asyncio.Event()
        self._calibration = Calibration(np.array([label, 2]), np.array([[1, 0]]))

    async def __call__(self) -> Calibration:
        """Measure."""
        self.times += 1
        self.begun.release()
        await self.may_end.wait()
        return self._calibration


async def test_the_seed_is_one_for_all(workers: Workers, server: Server) -> None:
    """All workers have one seed of 63 random bits, which a later worker gets too."""
    seeds = {await calibrations.seed() for _, calibrations in workers * 2}
    async with open_library(server.url, "signs") as (_, calibrations):
        seeds.add(await calibrations.seed())
    assert 1 == len(seeds)
    assert 0 <= min(seeds) < 2**63
    async with open_library(server.url, "another") as (_, calibrations):
        assert {await calibrations.seed()} != seeds


async def test_one_worker_measures_for_all(workers: Workers) -> None:
    """Of many that ask at once, one measures, and all get what it measured."""
    measure = Measuring()
    asking = [
        asyncio.create_task(calibrations.calibration("refs", measure))
        for _, calibrations in workers * 3
    ]
    await measure.begun.acquire()
    done, _ = await asyncio.wait(asking, timeout=0.5)
    assert not done
    measure.may_end.set()
    for calibration in await asyncio.gather(*asking):
        assert [4, 2] == calibration.labels.tolist()
        assert [[1, 0]] == calibration.robust.tolist()
    assert 1 == measure.times


async def test_another_key_is_measured_anew(workers: Workers) -> None:
    """A calibration of other references is another one."""
    for key, label in (("refs", 4), ("others", 5)):
        measure = Measuring(label)
        measure.may_end.set()
        assert label == (await workers[0][1].calibration(key, measure)).labels[0]
        assert 1 == measure.times


async def test_an_outdated_one_is_replaced_once(workers: Workers) -> None:
    """A worker that finds it outdated measures it again; the next one gets the new one."""
    old, new = Measuring(4), Measuring(5)
    old.may_end.set()
    new.may_end.set()
    outdated = [await calibrations.calibration("refs", old) for _, calibrations in workers]
    for (_, calibrations), known in zip(workers, outdated, strict=True):
        assert [5, 2] == (await calibrations.calibration("refs", new, known)).labels.tolist()
    assert (1, 1) == (old.times, new.times)
    assert [5, 2] == (await workers[0][1].calibration("refs", old)).labels.tolist()


async def test_an_error_reaches_who_measured_and_another_one_tries(workers: Workers) -> None:
    """A failed measurement is an error of one worker only."""
    begun, second = asyncio.Event(), Measuring()

    async def fail() -> Calibration:
        begun.set()
        message = "no answer"
        raise UpstreamTimeoutError(message)

    with pytest.raises(UpstreamTimeoutError):
        await workers[0][1].calibration("refs", fail)
    second.may_end.set()
    assert 4 == (await workers[1][1].calibration("refs", second)).labels[0]


async def test_a_cancelled_measurement_is_taken_over(workers: Workers) -> None:
    """When the worker that measures gives up, one that waits measures instead."""
    first, second = Measuring(), Measuring()
    asking = asyncio.create_task(workers[0][1].calibration("refs", first))
    await first.begun.acquire()
    waiting = asyncio.create_task(workers[1][1].calibration("refs", second))
    asking.cancel()
    async with asyncio.timeout(2):  # at once, not when the lease runs out
        await second.begun.acquire()
    second.may_end.set()
    assert 4 == (await waiting).labels[0]


async def test_a_killed_workers_measurement_is_taken_over(server: Server) -> None:
    """When the worker that measures is killed, one that waits measures after a few seconds."""
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MEASURE_FOR_EVER, server.url), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert b"measuring\n" == await holder.stdout.readline()
    holder.kill()
    await holder.communicate()
    async with open_library(server.url, "signs") as (_, calibrations):
        measure = Measuring()
        measure.may_end.set()
        async with asyncio.timeout(10):
            assert 4 == (await calibrations.calibration("refs", measure)).labels[0]


async def test_a_slow_measurement_keeps_its_lease(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that measures for longer than a lease lasts is still the only one."""
    monkeypatch.setattr("app.library.shared.leases.LEASE_SECONDS", 0.4)
    monkeypatch.setattr("app.library.shared.leases.RENEWAL_SECONDS", 0.1)
    measure = Measuring()
    asking = [asyncio.create_task(c.calibration("refs", measure)) for _, c in workers]
    done, _ = await asyncio.wait(asking, timeout=1.5)
    assert not done
    measure.may_end.set()
    await asyncio.gather(*asking)
    assert 1 == measure.times


async def test_an_unreadable_calibration_is_measured_again(
    workers: Workers, server: Server
) -> None:
    """Nonsense in the store is measured again and replaced."""
    with server.client() as client:
        client.set(Keys("signs").calibration("refs"), "nonsense")
    for _, calibrations in workers:
        measure = Measuring()
        measure.may_end.set()
        assert 4 == (await calibrations.calibration("refs", measure)).labels[0]
        assert (calibrations is workers[0][1]) == bool(measure.times)


async def test_placebo_rates_of_all_workers_are_together(workers: Workers) -> None:
    """Every worker's placebo rates are added to those of the others."""
    (_, one), (_, other) = workers
    assert {} == await one.placebo_rates("refs")
    await one.keep_placebo_rates("refs", {"3x3@1,1": 0.125, "ü": 1 / 3})
    await other.keep_placebo_rates("refs", {"5x5@0,0": 0.0})
    await other.keep_placebo_rates("refs", {})
    rates = {"3x3@1,1": 0.125, "ü": 1 / 3, "5x5@0,0": 0.0}
    assert rates == await one.placebo_rates("refs") == await other.placebo_rates("refs")
    assert {} == await one.placebo_rates("others")


async def test_older_placebo_rates_are_not_used(workers: Workers, server: Server) -> None:
    """Releases before asked for them with callers' numbers: what is left of these is never read."""
    with server.client() as client:
        older = Keys("signs").placebo_rates("refs").replace(":placebo2:", ":placebo:")
        client.hset(older, "3x3@1,1", "0.9")
    assert {} == await workers[0][1].placebo_rates("refs")
