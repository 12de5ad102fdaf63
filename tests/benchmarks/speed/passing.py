"""What an image costs that isn't screened: `off`, and known triggers with no budget left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvloop

from tests.benchmarks.speed.client import load
from tests.benchmarks.speed.figures import Figure, Target
from tests.benchmarks.speed.known import known_triggers
from tests.benchmarks.speed.measuring import in_turns, settle
from tests.benchmarks.speed.model import ColourModel
from tests.benchmarks.speed.requests import infers, predicts, some
from tests.benchmarks.speed.servers import Setting, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.speed.servers import Servers

SIDE = 48
ONE, SOME, MANY = 1, 8, 32
KNOWN = 3

SETTINGS = {
    "off": Setting("off", SIDE),
    "known triggers, no budget": Setting("full", SIDE, "0", known_triggers(SIDE, KNOWN)),
}
CPU_US = {"/predict": 600, "infer": 400}
ADDED_MS = 1.0
A_SECOND = 1500


def passing(requests: int) -> Iterator[Figure]:
    """Measure both settings, each with so many *requests* at each number of clients."""
    images = ColourModel(SIDE).clean_images(200, seed=3)
    direct = infers(images)
    for subject, setting in SETTINGS.items():
        with running(setting) as servers:
            settle(servers)
            for path, through in (("/predict", predicts(images)), ("infer", direct)):
                if _takes(servers, through):
                    yield from _figures(
                        f"{path}, {subject}", path, servers, (direct, through), requests
                    )


def _takes(servers: Servers, through: Sequence[bytes]) -> bool:
    """Tell whether the gateway has this route: older ones have no infer."""
    return not uvloop.run(load(servers.gateway, some(through, 1), ONE)).refused


def _figures(
    subject: str,
    path: str,
    servers: Servers,
    ways: tuple[Sequence[bytes], Sequence[bytes]],
    requests: int,
) -> Iterator[Figure]:
    one, few, many = (
        in_turns(servers, *ways, clients=clients, requests=requests)
        for clients in (ONE, SOME, MANY)
    )
    yield Figure(subject, "CPU a request, 8 clients", few.cpu_us, "µs", Target(CPU_US[path]))
    yield Figure(subject, "images an upstream request, 8 clients", few.together, "")
    yield Figure(subject, "CPU a request, 1 client", one.cpu_us, "µs")
    yield Figure(subject, "added p50, 1 client", one.added_ms, "ms", Target(ADDED_MS))
    yield Figure(subject, "p50, 1 client, × direct", one.ratio, "×")
    yield Figure(
        subject,
        "requests a CPU second, 32 clients",
        1e6 / many.cpu_us,
        "/s",
        Target(A_SECOND, at_least=True),
    )
    yield Figure(subject, "requests a second, 32 clients", many.rate, "/s")
