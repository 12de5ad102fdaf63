"""What others wait while somebody floods the gateway with images that need hundreds of probes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import uvloop

from tests.benchmarks.speed.client import load
from tests.benchmarks.speed.figures import Figure, Target
from tests.benchmarks.speed.measuring import settle
from tests.benchmarks.speed.model import TARGET, ColourModel
from tests.benchmarks.speed.requests import predicts, some
from tests.benchmarks.speed.servers import Setting, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.speed.client import Load

SIDE = 48
ORDINARY_CLIENTS, FLOODING_CLIENTS = 4, 8
TURNS = 3
TIMES = 3.0
SUBJECT = "clean images beside 8 clients with ever new triggers"


@dataclass(frozen=True, eq=False)
class Ordinary:
    """Clean images of the triggers' target class, and of the other classes.

    The former are held against every trigger that the flood leaves behind.
    """

    target: Sequence[bytes]
    others: Sequence[bytes]


@dataclass(frozen=True, eq=False)
class Waited:
    """The loads of both at the same time."""

    target: Load
    others: Load


def fairness(requests: int, seconds: float) -> Iterator[Figure]:
    """Send so many clean images alone, and then as many beside the flood, or for so long."""
    model = ColourModel(SIDE)
    ordinary = _ordinary(model)
    flood = predicts(model.poisoned_images(2000, seed=5))
    part = requests // TURNS
    until = seconds / TURNS
    with running(Setting(side=SIDE)) as servers:
        settle(servers)
        port = servers.gateway
        uvloop.run(_sent(port, ordinary, part, until))
        # Before the flood, which leaves triggers behind.
        alone = [uvloop.run(_sent(port, ordinary, part, until)) for _ in range(TURNS)]
        beside = [uvloop.run(_beside(port, ordinary, part, until, flood)) for _ in range(TURNS)]
        after = [uvloop.run(_sent(port, ordinary, part, until)) for _ in range(TURNS)]
    for kind in ("others", "target"):
        subject = f"{SUBJECT}: {'the' if kind == 'target' else 'not of the'} target class"
        own, flooded, later = (
            [getattr(one, kind) for one in waited] for waited in (alone, beside, after)
        )
        yield Figure(subject, "p99, × alone", _times(flooded, own, 99), "×", Target(TIMES))
        yield Figure(subject, "p50, × alone", _times(flooded, own, 50), "×")
        yield Figure(subject, "p99 alone", _percentile(own, 99) * 1000, "ms")
        yield Figure(subject, "p99 after the flood, × alone", _times(later, own, 99), "×")


def _ordinary(model: ColourModel) -> Ordinary:
    images = model.clean_images(400, seed=3)
    of_target = model.scores(images.astype(np.float32)).argmax(axis=1) == TARGET
    return Ordinary(predicts(images[of_target]), predicts(images[~of_target]))


async def _sent(port: int, ordinary: Ordinary, requests: int, seconds: float) -> Waited:
    target, others = await asyncio.gather(
        load(port, some(ordinary.target, requests // ORDINARY_CLIENTS), 1, seconds),
        load(port, some(ordinary.others, requests), ORDINARY_CLIENTS - 1, seconds),
    )
    return Waited(target, others)


async def _beside(
    port: int, ordinary: Ordinary, requests: int, seconds: float, flood: list[bytes]
) -> Waited:
    flooding = asyncio.create_task(load(port, cycle(flood), FLOODING_CLIENTS))
    try:
        return await _sent(port, ordinary, requests, seconds)
    finally:
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


def _times(loads: Sequence[Load], others: Sequence[Load], share: int) -> float:
    return _percentile(loads, share) / _percentile(others, share)


def _percentile(loads: Sequence[Load], share: int) -> float:
    """Return the median of what the turns' percentiles are: other work makes single ones large."""
    return median(one.percentile(share) for one in loads)
