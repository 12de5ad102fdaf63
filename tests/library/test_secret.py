"""A secret that an entry tells, as an older release wrote it, is drawn anew and scrubbed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.library.records.names import Keys
from tests.library.findings import trigger
from tests.library.servers import eventually

if TYPE_CHECKING:
    from app.detection.trigger import Trigger
    from app.library.shared.calibration_store import RedisCalibrationStore
    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server

Workers = list[tuple["RedisTriggerLibrary", "RedisCalibrationStore"]]


def _telling(seed: int, target: int) -> Trigger:
    found = trigger(target)
    return replace(found, evidence=replace(found.evidence, seed=seed))


def _seeds(library: RedisTriggerLibrary) -> dict[int, int]:
    """Return the seed in the evidence for each target."""
    entries = (*library.entries(), *library.dismissed())
    return {entry.trigger.target: entry.trigger.evidence.seed for entry in entries}


async def test_all_workers_have_one_new_secret(workers: Workers, server: Server) -> None:
    """What told the old one says 0, dismissed or not; the draws of others stay."""
    (one, calibrations), (other, _) = workers
    told = await calibrations.seed()
    await other.register(_telling(told + 1, 1))
    dismissed = await one.register(_telling(12, 2))
    await one.dismiss(dismissed.id)
    with server.client() as client:
        entry = client.hget(Keys("signs").triggers, dismissed.id)
        assert isinstance(entry, bytes)
        leaked = entry.replace(b'"seed":12,', b'"seed":%d,' % told)
        client.hset(Keys("signs").triggers, dismissed.id, leaked)
    await one.register(_telling(told, 3))
    scrubbed = {1: told + 1, 2: 0, 3: 0}
    await eventually(lambda: scrubbed == _seeds(one) == _seeds(other))
    new = {await its.seed() for _, its in workers}
    assert 1 == len(new)
    assert told not in new
    with server.client() as client:
        kept = client.hvals(Keys("signs").triggers)
        assert [] == [entry for entry in kept if b'"seed":%d,' % told in entry]


async def test_a_secret_that_nothing_tells_stays(workers: Workers) -> None:
    """The draw of an image is no secret: nothing changes for it."""
    (one, calibrations), (other, _) = workers
    before = await calibrations.seed()
    await one.register(_telling(before // 2, 1))
    await eventually(lambda: {1: before // 2} == _seeds(other))
    assert before == await calibrations.seed()


async def test_without_redis_the_last_one_serves(workers: Workers, server: Server) -> None:
    """A worker that has had the secret goes on with it while Redis is away."""
    _, calibrations = workers[0]
    before = await calibrations.seed()
    server.kill()
    assert before == await calibrations.seed()
