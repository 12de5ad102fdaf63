"""How the cost grows: with the workers, the image's size, the known triggers, the reference set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.benchmarks.speed.known import known_triggers
from tests.benchmarks.speed.measuring import in_turns, settle
from tests.benchmarks.speed.model import ColourModel
from tests.benchmarks.speed.requests import infers, predicts
from tests.benchmarks.speed.servers import Setting, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLIENTS = 8
ENOUGH_PIXELS = 96 * 96
"""Larger images are slow enough that a third of the requests will do."""

BASE = Setting()
VARIED: Mapping[str, Mapping[int, Setting]] = {
    "workers": {n: replace(BASE, workers=n) for n in (1, 2)},
    "image's side": {side: replace(BASE, side=side) for side in (28, 48, 96, 224)},
    "known triggers": {
        n: replace(BASE, known=known_triggers(BASE.side, n)) for n in (0, 1, 10, 100)
    },
    "references": {n: replace(BASE, references=n) for n in (200, 1000, 5000)},
}
"""Each by itself; the others are as in BASE."""

IN_A_HURRY = ("known triggers",)


@dataclass(frozen=True)
class Cost:
    """What one request costs the workers: CPU time in ms, and requests a second.

    ``screened`` for new triggers, or only ``passed``: then known triggers alone are looked for.
    """

    screened_ms: float
    screened_rate: float
    passed_ms: float
    passed_rate: float


@dataclass(frozen=True)
class Point:
    """The cost where one thing that is ``varied`` has this ``value``."""

    varied: str
    value: int
    cost: Cost


def growth(requests: int, *, quick: bool) -> Iterator[Point]:
    """Measure each setting with so many *requests*; if *quick*, the ends of one series."""
    base: Cost | None = None
    for varied in IN_A_HURRY if quick else VARIED:
        settings = VARIED[varied]
        for value in (min(settings), max(settings)) if quick else settings:
            setting = settings[value]
            if setting != BASE:
                yield Point(varied, value, _cost(setting, requests))
                continue
            base = base or _cost(BASE, requests)
            yield Point(varied, value, base)


def _cost(setting: Setting, requests: int) -> Cost:
    screened = _measured(setting, requests)
    passed = _measured(replace(setting, budget="0"), requests)
    return Cost(screened[0], screened[1], passed[0], passed[1])


def _measured(setting: Setting, requests: int) -> tuple[float, float]:
    images = ColourModel(setting.side).clean_images(100, seed=3)
    count = requests // 3 if setting.side**2 > ENOUGH_PIXELS else requests
    with running(setting) as servers:
        settle(servers)
        ways = infers(images), predicts(images)
        turns = in_turns(servers, *ways, clients=CLIENTS, requests=count)
    return turns.cpu_us / 1000, turns.rate
