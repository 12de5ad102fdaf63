"""Requests to a real server that goes away: what is sent, what isn't, and what is counted."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app import metrics
from app.events import Kind
from app.ports import (
    BACKGROUND,
    UpstreamAnswerError,
    UpstreamOpenError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.upstream.http.limits import Limits
from app.upstream.http.session import Session
from app.wire.writing import Message
from tests.heard import Heard
from tests.upstream.raw_server import RawServer, Reaction, ok
from tests.upstream.test_upstream_faults import ANSWER, scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.registry import Collector

    from app.upstream.model import UpstreamModel
    from tests.upstream.conftest import Connect, Listen

IMAGES = np.zeros((2, 6, 5, 1), np.uint8)
AWAY = Reaction(ok(b"", status="502 Bad Gateway"))
NOTHING = Message({}, (b"",))
FAILURES = 5
TRIAL_S = 10.0
"""For a trial to be let through, on a machine with other things to do."""


class Counts:
    """What Prometheus was told since the last look."""

    def __init__(self) -> None:
        self._before: dict[str, float] = {}
        self.since()

    def since(self) -> dict[str, float]:
        """Return what has changed since the last call, without ``neo_``."""
        counters = (metrics.UPSTREAM_REQUESTS, metrics.UPSTREAM_FAILURES, metrics.BREAKER_OPENED)
        now = {key: value for counter in counters for key, value in _samples(counter)}
        changed = {
            key: value - self._before.get(key, 0.0)
            for key, value in now.items()
            if value != self._before.get(key, 0.0)
        }
        self._before = now
        return changed


def _samples(counter: Collector) -> Iterator[tuple[str, float]]:
    for metric in counter.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                name = sample.name.removeprefix("neo_").removesuffix("_total")
                yield sample.labels.get("error", name), sample.value


def breaker_state() -> float:
    """Return what Prometheus was told of the breaker."""
    (metric,) = metrics.BREAKER_STATE.collect()
    return metric.samples[0].value


async def fails(model: UpstreamModel, error: type[Exception]) -> None:
    """Ask *model* and expect this *error*."""
    with pytest.raises(error):
        await model.answer(IMAGES)


async def answered(model: UpstreamModel) -> None:
    """Ask *model* until it is asked indeed."""
    async with asyncio.timeout(TRIAL_S):
        while True:
            try:
                await model.answer(IMAGES)
            except UpstreamOpenError:
                await asyncio.sleep(0.01)
            else:
                return


async def test_everything_is_counted(listen: Listen, connect: Connect) -> None:
    """Requests, failures by kind, openings and the state are counted; a refusal is no request."""
    counts = Counts()
    reactions = [ANSWER, Reaction(ok(b"<html>")), *[AWAY] * FAILURES, ANSWER]
    server = RawServer(lambda number: reactions[number - 1])
    model = await connect(await listen(server))

    await model.answer(IMAGES)
    assert {"upstream_requests": 3} == counts.since()  # two for what the server is
    await fails(model, UpstreamAnswerError)
    assert {"upstream_requests": 1, "UpstreamAnswerError": 1} == counts.since()
    for _ in range(FAILURES):
        assert 0 == breaker_state()
        await fails(model, UpstreamStatusError)
    assert 2 == breaker_state()
    told = counts.since()
    assert {"upstream_requests": 5, "UpstreamStatusError": 5, "breaker_opened": 1} == told
    await answered(model)
    assert ({"upstream_requests": 1}, 0) == (counts.since(), breaker_state())


async def test_who_is_refused_sends_nothing(listen: Listen, connect: Connect) -> None:
    """Readiness, callers and background work are refused alike, and nothing is sent."""
    server = RawServer(lambda _: Reaction(ok(b"", "Retry-After: 30", status="503 Full")))
    model = await connect(await listen(server))
    for _ in range(FAILURES):
        await fails(model, UpstreamStatusError)

    connections = server.connections
    for call in (model.check(), model.answer(IMAGES), model.answer(IMAGES, BACKGROUND)):
        with pytest.raises(UpstreamOpenError, match="circuit breaker open after 5 failures"):
            await call
    assert (FAILURES, connections) == (len(server.infers), server.connections)


@pytest.mark.parametrize("background", [False, True])
async def test_work_in_the_background_may_be_the_trial(
    listen: Listen, connect: Connect, *, background: bool
) -> None:
    """The first request after the cool-down, whatever it is for, finds the server again."""
    trial = ANSWER if background else Reaction(ok(scores([0.1, 0.9])))  # of one image
    reactions = [*[AWAY] * FAILURES, trial, ANSWER]
    server = RawServer(lambda number: reactions[number - 1])
    model = await connect(await listen(server))
    for _ in range(FAILURES):
        await fails(model, UpstreamStatusError)
    async with asyncio.timeout(TRIAL_S):
        while len(server.infers) == FAILURES:
            try:
                await (model.answer(IMAGES, BACKGROUND) if background else model.check())
            except UpstreamOpenError:
                await asyncio.sleep(0.01)
    assert 2 == len(await model.answer(IMAGES))


async def test_a_trial_that_is_cancelled(listen: Listen) -> None:
    """If a trial's caller goes the next request is a trial; nothing stays half-open for good."""
    hanging = asyncio.Event()

    def react(number: int) -> Reaction:
        if 1 < number <= 1 + FAILURES:
            return AWAY
        if number > 1:
            hanging.set()
        return Reaction(then="hang") if number == 2 + FAILURES else ANSWER

    server = RawServer(react)
    heard, url = Heard(), await listen(server)
    async with (
        Session(url, Limits(), events=heard) as session,
        asyncio.timeout(TRIAL_S),
    ):
        await session.post("/infer", NOTHING)
        for _ in range(FAILURES):
            with pytest.raises(UpstreamStatusError):
                await session.get("/infer")
        while not hanging.is_set():
            trial = asyncio.create_task(session.get("/infer"))
            await asyncio.wait(
                [trial, waiting := asyncio.create_task(hanging.wait())], timeout=0.05
            )
            waiting.cancel()
            trial.cancel()
            await asyncio.wait([trial, waiting])
        before = session.sound
        await session.get("/infer")
        assert (False, True) == (before, session.sound)
    assert [Kind.BREAKER_OPENED, Kind.BREAKER_CLOSED] == heard.kinds
    assert [{"reason": "the upstream answered 502"}] == heard.facts(Kind.BREAKER_OPENED)


async def test_a_server_that_is_waited_for_is_no_event(listen: Listen) -> None:
    """A gateway that was started before its model tells nothing of that, and nothing when it comes.

    Nor does what the server says of itself count: a model may take minutes to load.
    """
    reactions = [ANSWER, *[AWAY] * FAILURES, ANSWER]
    server = RawServer(lambda number: reactions[number - 1])
    heard, url = Heard(), await listen(server)
    async with Session(url, Limits(), events=heard) as session, asyncio.timeout(TRIAL_S):
        await session.get("/infer")
        for _ in range(FAILURES):
            with pytest.raises(UpstreamStatusError):
                await session.post("/infer", NOTHING)
        assert 2 == breaker_state()
        while not session.sound:
            with suppress(UpstreamOpenError):
                await session.post("/infer", NOTHING)
            await asyncio.sleep(0.01)
    assert [] == heard.kinds


async def test_a_server_that_hangs(listen: Listen, connect: Connect) -> None:
    """Requests that callers wait for are given up after their time, and open the breaker."""
    server = RawServer(lambda _: Reaction(then="hang"))
    model = await connect(await listen(server), limits=Limits(timeout_s=0.1))
    for _ in range(FAILURES):
        await fails(model, UpstreamTimeoutError)
    await fails(model, UpstreamOpenError)


async def test_work_in_the_background_may_take_its_time(listen: Listen, connect: Connect) -> None:
    """A batch that nobody waits for has a time of its own, and shares none with callers."""
    server = RawServer(lambda _: Reaction(then="hang"))
    limits = Limits(timeout_s=0.1, background_timeout_s=60)
    model = await connect(await listen(server), limits=limits)
    patient = asyncio.create_task(model.answer(IMAGES, BACKGROUND))
    for _ in range(2):
        await fails(model, UpstreamTimeoutError)
    assert 3 == len(server.infers)
    assert not patient.done()
    patient.cancel()


async def test_one_bad_image_is_not_an_absent_server(listen: Listen, connect: Connect) -> None:
    """A server that fails at what it is sent (500, nonsense) is asked as before."""
    kinds = [Reaction(ok(b"{}", status="500 X")), Reaction(ok(b"<html>"))]
    server = RawServer(lambda number: kinds[number % 2])
    model = await connect(await listen(server))
    for _ in range(2 * FAILURES):
        with pytest.raises((UpstreamStatusError, UpstreamAnswerError)):
            await model.answer(IMAGES[:1])
    assert 2 * FAILURES == len(server.infers)


async def test_a_repeated_request_counts_once(listen: Listen, connect: Connect) -> None:
    """A kept-alive connection that broke, and the new one too, are one failure."""
    counts = Counts()
    server = RawServer(lambda number: ANSWER if number == 1 else Reaction(then="close"))
    model = await connect(await listen(server))
    await model.answer(IMAGES)
    counts.since()
    await fails(model, UpstreamUnreachableError)
    assert {"upstream_requests": 1, "UpstreamUnreachableError": 1} == counts.since()
    assert 3 == len(server.infers)
