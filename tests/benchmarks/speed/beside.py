"""What a plain request costs in another source tree and in this one, measured in turns.

One upstream, one client, and for each tree a gateway with a store of its own. So what else the
machine does meets both trees alike. Both run on this Python, with the packages that it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import httpx
import numpy as np
import uvloop

from tests.benchmarks.speed.client import load
from tests.benchmarks.speed.figures import Figure
from tests.benchmarks.speed.known import known_triggers
from tests.benchmarks.speed.measuring import answered, settle
from tests.benchmarks.speed.model import ColourModel
from tests.benchmarks.speed.requests import infers, predicts, some
from tests.benchmarks.speed.servers import Setting, gateway, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.benchmarks.speed.servers import Servers

SIDE = 48
KNOWN = 3
CLIENTS = 8

SETTINGS = {
    "off": Setting("off", SIDE),
    "no budget, none known": Setting("full", SIDE, "0"),
    f"no budget, {KNOWN} known": Setting("full", SIDE, "0", known_triggers(SIDE, KNOWN)),
}


@dataclass(frozen=True)
class Costs:
    """CPU time a request in each round, in microseconds: of the other tree and of this one."""

    other: Sequence[float]
    this: Sequence[float]

    @property
    def ratio(self) -> float:
        """What this tree costs in the other's cost: the median of the rounds' ratios."""
        return median(this / other for other, this in zip(self.other, self.this, strict=True))

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower quartiles: what a round costs that little else disturbs."""
        return float(np.percentile(self.other, 25)), float(np.percentile(self.this, 25))


def beside(tree: Path, rounds: int, requests: int) -> Iterator[Figure]:
    """Measure *tree* and this one in so many *rounds* of *requests* each, setting by setting."""
    images = ColourModel(SIDE).clean_images(200, seed=3)
    ways = {"/predict": predicts(images), "infer": infers(images)}
    for name, setting in SETTINGS.items():
        with (
            upstream(setting) as port,
            gateway(setting, port, tree) as other,
            gateway(setting, port) as this,
        ):
            _check_known(setting, other)
            settle(this)
            costs = in_rounds((other, this), ways, rounds, requests)
        for path, cost in costs.items():
            yield from figures_of(f"{path}, {name}", cost)


def in_rounds(
    trees: tuple[Servers, Servers], ways: Mapping[str, Sequence[bytes]], rounds: int, requests: int
) -> Mapping[str, Costs]:
    """Return what each way costs in both *trees*; the first round is for warming up only."""
    found: dict[str, tuple[list[float], list[float]]] = {way: ([], []) for way in ways}
    for number in range(rounds + 1):
        for way, sent in ways.items():
            order = (0, 1) if number % 2 else (1, 0)  # the second might find a warmer upstream
            for tree in order:
                cost = _cost(trees[tree], some(sent, requests))
                if number:
                    found[way][tree].append(cost)
    return {way: Costs(*both) for way, both in found.items()}


def _cost(servers: Servers, requests: Iterator[bytes]) -> float:
    before = servers.cpu_seconds()
    sent = answered(uvloop.run(load(servers.gateway, requests, CLIENTS)))
    return (servers.cpu_seconds() - before) / len(sent.latencies) * 1e6


def _check_known(setting: Setting, servers: Servers) -> None:
    """Raise RuntimeError if the other tree can't read the triggers that this one wrote for it."""
    told = httpx.get(f"http://127.0.0.1:{servers.gateway}/trigger").raise_for_status().json()
    if len(told["triggers"]) != len(setting.known):
        message = "the other tree doesn't read what this one writes to the store"
        raise RuntimeError(message)


def figures_of(subject: str, costs: Costs) -> Iterator[Figure]:
    """Return what each tree costs, and their ratios."""
    other, this = costs.quartiles
    yield Figure(subject, "CPU a request, lower quartile: other tree", other, "µs")
    yield Figure(subject, "CPU a request, lower quartile: this tree", this, "µs")
    yield Figure(subject, "this : other, lower quartiles", this / other, "×")
    yield Figure(subject, "this : other, median of the rounds", costs.ratio, "×")
