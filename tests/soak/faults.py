"""What can go wrong, and how it is put right: a fault is a name, and what it does for a while."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from tests.soak import endpoint
from tests.soak.proxy import Mode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractContextManager

    import numpy as np

    from tests.soak.proxy import Proxy
    from tests.soak.stage import Stage

Work: TypeAlias = "Callable[[Stage, float, np.random.Generator], Awaitable[None]]"
Held: TypeAlias = "Callable[[Stage], AbstractContextManager[None]]"

STILL_S = 2.0
"""For which a worker stands still: its supervisor replaces it after 5 s."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault: *work* brings it about, for so many seconds, and puts it right."""

    name: str
    work: Work


def service_faults() -> list[Fault]:
    """Return what happens to the model's endpoint, to Redis, and to the gateway's processes."""
    return [*_model_faults(), *_redis_faults(), *_worker_faults()]


def _model_faults() -> Iterator[Fault]:
    yield _held("model killed", _model_killed)
    yield _held("model stopped", _model_stopped)
    for kind in endpoint.Fault:
        if kind is not endpoint.Fault.NONE:
            yield Fault(f"model {kind}", partial(_misbehaves, kind))
    for mode in (Mode.CUT, Mode.RESET, Mode.LATE, Mode.HALF_CLOSED):
        yield _held(f"model's link {_name(mode)}", partial(_spoilt, lambda s: s.to_model, mode))


def _redis_faults() -> Iterator[Fault]:
    yield _held("redis killed", _redis_killed)
    yield _held("redis stopped", _redis_stopped)
    yield _held("redis killed, its data lost", _redis_lost)
    yield Fault("redis flushed", _redis_flushed)
    for mode in (Mode.CUT, Mode.RESET, Mode.LATE, Mode.HALF_CLOSED, Mode.SILENT):
        yield _held(f"redis' link {_name(mode)}", partial(_spoilt, lambda s: s.to_redis, mode))


def _worker_faults() -> Iterator[Fault]:
    yield Fault("worker killed", partial(_signal, signal.SIGKILL))
    yield Fault("worker ended", partial(_signal, signal.SIGTERM))
    yield Fault("worker stopped", _worker_stopped)
    yield Fault("rolling restart", _rolling_restart)


def _held(name: str, held: Held) -> Fault:
    """Make a fault of what is done at the start and undone in the end, each in a thread."""

    async def work(stage: Stage, seconds: float, _: np.random.Generator) -> None:
        manager = held(stage)
        await asyncio.to_thread(manager.__enter__)
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(manager.__exit__, None, None, None)

    return Fault(name, work)


@contextmanager
def _model_killed(stage: Stage) -> Iterator[None]:
    stage.to_model.spoil(Mode.CUT)
    stage.model.kill()
    try:
        yield
    finally:
        stage.model.start()
        stage.to_model.spoil(Mode.PASS)


@contextmanager
def _model_stopped(stage: Stage) -> Iterator[None]:
    stage.model.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        stage.model.signal(signal.SIGCONT)


async def _misbehaves(
    kind: endpoint.Fault, stage: Stage, seconds: float, _: np.random.Generator
) -> None:
    await asyncio.to_thread(stage.model.misbehave, kind, seconds)
    await asyncio.sleep(seconds)


@contextmanager
def _redis_killed(stage: Stage) -> Iterator[None]:
    stage.to_redis.spoil(Mode.CUT)
    stage.redis.kill()
    try:
        yield
    finally:
        stage.redis.start()
        stage.to_redis.spoil(Mode.PASS)


@contextmanager
def _redis_lost(stage: Stage) -> Iterator[None]:
    with _redis_killed(stage):
        stage.redis.lose_everything()
        yield


@contextmanager
def _redis_stopped(stage: Stage) -> Iterator[None]:
    stage.redis.pause()
    try:
        yield
    finally:
        stage.redis.resume()


async def _redis_flushed(stage: Stage, _: float, __: np.random.Generator) -> None:
    def flush() -> None:
        with stage.redis.client() as client:
            client.flushall()

    await asyncio.to_thread(flush)


@contextmanager
def _spoilt(link: Callable[[Stage], Proxy], mode: Mode, stage: Stage) -> Iterator[None]:
    link(stage).spoil(mode)
    try:
        yield
    finally:
        link(stage).spoil(Mode.PASS)


async def _signal(number: int, stage: Stage, _: float, rng: np.random.Generator) -> None:
    os.kill(_worker(stage, rng), number)
    await asyncio.sleep(1)  # the supervisor looks every half a second


async def _worker_stopped(stage: Stage, _: float, rng: np.random.Generator) -> None:
    worker = _worker(stage, rng)
    os.kill(worker, signal.SIGSTOP)
    try:
        await asyncio.sleep(STILL_S)
    finally:
        os.kill(worker, signal.SIGCONT)


async def _rolling_restart(stage: Stage, seconds: float, _: np.random.Generator) -> None:
    stage.service.process.popen.send_signal(signal.SIGHUP)
    await asyncio.sleep(seconds)


def _worker(stage: Stage, rng: np.random.Generator) -> int:
    return int(rng.choice(stage.service.workers()))


def _name(mode: Mode) -> str:
    return mode.name.lower().replace("_", "-")
