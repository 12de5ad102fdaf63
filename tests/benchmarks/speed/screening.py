"""What a clean image costs that is screened for new triggers, with the default settings."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import uvloop

from tests.benchmarks.speed.client import load
from tests.benchmarks.speed.figures import Figure, Target
from tests.benchmarks.speed.measuring import in_turns, settle
from tests.benchmarks.speed.model import ColourModel
from tests.benchmarks.speed.requests import infers, predicts, some
from tests.benchmarks.speed.servers import Setting, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.speed.servers import Servers

SIDE = 48
SUBJECT = "/predict, screened clean images"
DELAY_MS = 20
ONE_ROUND_TRIP = 1
TIMES_DIRECT = 1.3
LOOKED_AT = 100


def screening(requests: int) -> Iterator[Figure]:
    """Measure with so many *requests*: with a quick upstream, and with one that takes its time."""
    images = ColourModel(SIDE).clean_images(200, seed=3)
    direct, through = infers(images), predicts(images)
    with running(Setting(side=SIDE)) as servers:
        settle(servers)
        uvloop.run(load(servers.gateway, some(through, len(through)), 1))
        yield from _costs(servers, through)
        quick = in_turns(servers, direct, through, clients=8, requests=requests)
        yield Figure(SUBJECT, "CPU a request, 8 clients", quick.cpu_us, "µs")
        yield Figure(SUBJECT, "requests a second, 8 clients", quick.rate, "/s")
    with running(Setting(side=SIDE, delay_ms=DELAY_MS)) as servers:
        settle(servers)
        slow = in_turns(servers, direct, through, clients=1, requests=requests // 4)
        name = f"p50, 1 client, upstream at {DELAY_MS} ms, × direct"
        yield Figure(SUBJECT, name, slow.ratio, "×", Target(TIMES_DIRECT))


def _costs(servers: Servers, through: Sequence[bytes]) -> Iterator[Figure]:
    """Send a few, one after the other, and look at what the upstream is asked for each."""
    told = [servers.stats()]
    for request in through[:LOOKED_AT]:
        uvloop.run(load(servers.gateway, iter([request]), 1))
        told.append(servers.stats())
    steps = list(pairwise(told))
    trips = [after[1] - before[1] for before, after in steps]
    yield Figure(SUBJECT, "round trips, median", median(trips), "", Target(ONE_ROUND_TRIP))
    yield Figure(SUBJECT, "round trips, mean", sum(trips) / len(trips), "")
    inferences = sum(after[0] - before[0] for before, after in steps) / len(steps)
    yield Figure(SUBJECT, "inferences, mean", inferences, "")
