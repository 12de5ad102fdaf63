"""How much memory a worker has in use, and if that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvloop

from tests.benchmarks.speed.client import load
from tests.benchmarks.speed.figures import Figure, Target
from tests.benchmarks.speed.measuring import settle
from tests.benchmarks.speed.model import ColourModel
from tests.benchmarks.speed.processes import rss_bytes
from tests.benchmarks.speed.requests import predicts, some
from tests.benchmarks.speed.servers import Setting, running

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE = 48
CLIENTS = 8
AT_MOST_MB = 150
GROWTH_PERCENT = 5
SUBJECT = "a worker's memory (RSS), screened clean images"
AT_MOST_S = 300


def memory(few: int, many: int) -> Iterator[Figure]:
    """Look after a *few* and after *many* requests."""
    through = predicts(ColourModel(SIDE).clean_images(500, seed=3))
    with running(Setting(side=SIDE)) as servers:
        settle(servers)
        seen = []
        for count in (few, many - few):
            uvloop.run(load(servers.gateway, some(through, count), CLIENTS, AT_MOST_S))
            seen.append(sum(map(rss_bytes, servers.workers)) / 1e6)
    yield Figure(SUBJECT, f"after {few:,} requests", seen[0], "MB", Target(AT_MOST_MB))
    yield Figure(SUBJECT, f"after {many:,} requests", seen[1], "MB", Target(AT_MOST_MB))
    growth = (seen[1] / seen[0] - 1) * 100
    yield Figure(SUBJECT, "growth", growth, "%", Target(GROWTH_PERCENT))
