"""The gateway and the upstream itself, measured in turns."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import uvloop

from tests.benchmarks.speed.client import load
from tests.benchmarks.speed.requests import some
from tests.benchmarks.speed.servers import OUR_CORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.speed.client import Load
    from tests.benchmarks.speed.servers import Servers

TURNS = 5
QUIET_S = 0.5
"""Without a question to the upstream: then nothing is prepared any more."""
SETTLED_AT_MOST_S = 120.0


@dataclass(frozen=True, eq=False)
class Turns:
    """The loads of some turns, and what the workers' CPUs took for a request in each, seconds.

    ``together`` is how many images shared a request to the upstream, in the mean. What else the
    machine does makes single turns slow: medians of them count.
    """

    direct: Sequence[Load]
    gateway: Sequence[Load]
    cpu: Sequence[float]
    together: float

    @property
    def cpu_us(self) -> float:
        """CPU time of the workers for a request, in microseconds."""
        return median(self.cpu) * 1e6

    @property
    def added_ms(self) -> float:
        """What the gateway adds to the median latency, in milliseconds."""
        pairs = zip(self.direct, self.gateway, strict=True)
        return median(ours.percentile(50) - own.percentile(50) for own, ours in pairs) * 1000

    @property
    def ratio(self) -> float:
        """The median latency through the gateway, in those of direct calls."""
        pairs = zip(self.direct, self.gateway, strict=True)
        return median(ours.percentile(50) / own.percentile(50) for own, ours in pairs)

    @property
    def rate(self) -> float:
        """Requests a second through the gateway."""
        return median(one.rate for one in self.gateway)

    @property
    def p99_ms(self) -> float:
        """The 99th percentile of the latencies through the gateway, in milliseconds."""
        return (
            float(np.percentile(np.concatenate([one.latencies for one in self.gateway]), 99)) * 1e3
        )


def in_turns(
    servers: Servers,
    direct: Sequence[bytes],
    through: Sequence[bytes],
    *,
    clients: int,
    requests: int,
) -> Turns:
    """Send so many *requests* each way, in turns, after a few of which no notice is taken."""
    part = max(requests // TURNS, clients)
    uvloop.run(load(servers.gateway, some(through, max(len(through), clients)), clients))
    owns, ours, cpu = [], [], []
    images = trips = 0
    for _ in range(TURNS):
        owns.append(uvloop.run(load(servers.upstream, some(direct, part), clients)))
        asked, before = servers.stats(), servers.cpu_seconds()
        sent = answered(uvloop.run(load(servers.gateway, some(through, part), clients)))
        cpu.append((servers.cpu_seconds() - before) / len(sent.latencies))
        images, trips = (
            so_far + now - then
            for so_far, now, then in zip((images, trips), servers.stats(), asked, strict=True)
        )
        ours.append(sent)
    return Turns(owns, ours, cpu, together=images / trips)


def settle(servers: Servers) -> None:
    """Return once the gateway asks the upstream nothing of its own any more; keep to our core."""
    os.sched_setaffinity(0, {OUR_CORE})
    deadline = time.monotonic() + SETTLED_AT_MOST_S
    asked = None
    while time.monotonic() < deadline and asked != (asked := servers.stats()):
        time.sleep(QUIET_S)


def answered(sent: Load) -> Load:
    """Return *sent*; raise RuntimeError if a request was answered by an error."""
    if sent.refused:
        message = f"{sent.refused} of {len(sent.latencies)} requests were answered by an error"
        raise RuntimeError(message)
    return sent
