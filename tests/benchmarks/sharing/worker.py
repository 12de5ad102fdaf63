"""One worker that registers, looks what the others have registered, and may be kept from it."""

from __future__ import annotations

import asyncio
import random
import time

import numpy as np
from prometheus_client import REGISTRY

from app.library.lifecycle import open_library
from tests.library.findings import trigger

WORKERS = 4
REGISTRATIONS = 200
LOOK_S = 0.001
PAUSE_S = 0.15
SEED = 5

Result = tuple[dict[int, float], dict[int, float], int]
"""What a worker registered and saw, and when; how often Redis was away."""


def work(url: str, worker: int, begin: float, blocked_s: float) -> Result:
    """Be one worker; a registration counts from when it is begun."""
    return asyncio.run(_work(url, worker, begin, blocked_s))


async def _work(url: str, worker: int, begin: float, blocked_s: float) -> Result:
    draw = random.Random(SEED)  # noqa: S311  # who registers what: the same on all workers
    turns = [draw.randrange(WORKERS) for _ in range(REGISTRATIONS)]
    registered: dict[int, float] = {}
    seen: dict[int, float] = {}
    async with open_library(url, "signs") as (library, _), asyncio.TaskGroup() as group:
        lost = _lost()

        async def look() -> None:
            before = library.entries()
            while len(seen) < REGISTRATIONS:
                if (entries := library.entries()) is not before:
                    now, before = time.monotonic(), entries
                    for entry in entries:
                        seen.setdefault(entry.trigger.target, now)
                await asyncio.sleep(LOOK_S)

        async def stand_still() -> None:
            while blocked_s and len(seen) < REGISTRATIONS:
                time.sleep(blocked_s)  # noqa: ASYNC251  # this is what it is about
                await asyncio.sleep(0.25)

        tasks = [group.create_task(look()), group.create_task(stand_still())]
        for target, turn in enumerate(turns):
            await asyncio.sleep(begin + target * PAUSE_S - time.monotonic())
            if turn == worker:
                registered[target] = time.monotonic()
                await library.register(trigger(target))
        await asyncio.wait(tasks)
        return registered, seen, _lost() - lost


def spin() -> None:
    """Keep a core busy."""
    while True:
        np.linalg.eig(np.random.default_rng(1).random((100, 100)))


def _lost() -> int:
    return int(REGISTRY.get_sample_value("neo_store_lost_total") or 0)
