"""One search goes on in the background: which, how, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.detection.search import Probe, Refused
from app.gateway.searching import background as module
from app.gateway.searching.background import GIVEN_UP, Background
from app.gateway.searching.driving import Course, Driver
from app.gateway.visit import Visit
from app.ports import (
    Arrival,
    UpstreamAnswerError,
    UpstreamOpenError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from tests.gateway.counted import ended
from tests.gateway.hooked import HookedModel, SlowModel
from tests.gateway.opened import innocents
from tests.library.servers import eventually
from tests.tiny import TinyModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.detection.search import Search
    from app.gateway.searching.driving import Driven
    from app.ports import UpstreamError

    Conclude = Callable[[Driven[int]], Awaitable[str]]

IMAGE = innocents(1)[0]


def course_of(rounds: int) -> Course[int]:
    """Return a search of so many rounds that an hour's patience would end."""

    def search() -> Search[int]:
        asked = 0
        try:
            for _ in range(rounds):
                asked += len((yield Probe(IMAGE[None])))
        except Refused:
            return -1
        return asked

    return Course(search(), Visit(Arrival(IMAGE)))


def noting(results: list[int]) -> Conclude:
    """Return a conclusion that keeps the result in *results*."""

    async def conclude(driven: Driven[int]) -> str:
        results.append(driven.result)
        return "clear"

    return conclude


def background_of(model: TinyModel) -> Background:
    """Return the background of a worker with this *model*."""
    return Background(model, Driver(model, patience_s=10.0))


async def test_a_suspicious_search_takes_the_place_of_one_that_is_not() -> None:
    """What most likely is a clean image doesn't keep a discovery out; nor one discovery another."""
    model, results, given_up = SlowModel(), list[int](), ended(GIVEN_UP)
    model.hold(first=1)
    background = background_of(model)
    suspicions = [False, False, True, True]
    taken = [
        background.take(course_of(n), lambda it=it: it, noting(results))  # type: ignore[misc]
        for n, it in enumerate(suspicions, start=1)
    ]
    assert [True, False, True, False] == taken
    model.let()
    await eventually(lambda: bool(results))
    assert [3] == results
    assert given_up + 1 == ended(GIVEN_UP)
    assert background.take(course_of(5), lambda: False, noting(results)), "there is room again"
    await background.close()


async def test_a_busy_model_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes by itself doesn't end the search: the same probe is asked again."""
    monkeypatch.setattr(module, "AGAIN_AT_MOST_S", 0.0)
    results = list[int]()
    busy = [
        UpstreamStatusError(503, "busy"),
        UpstreamTimeoutError("late"),
        UpstreamUnreachableError("gone"),
        UpstreamOpenError("the circuit breaker is open", 0.5),
        None,
        None,
    ]

    async def hook(call: int) -> None:
        if (error := busy[call - 1]) is not None:
            raise error

    background = background_of(HookedModel(hook))
    assert background.take(course_of(2), lambda: True, noting(results))
    await eventually(lambda: bool(results))
    assert [2] == results


@pytest.mark.parametrize(
    "error", [UpstreamAnswerError("HTML"), UpstreamStatusError(500, "a fault")]
)
async def test_a_wrong_answer_ends_it(error: UpstreamError) -> None:
    """What the images themselves may have caused isn't asked again; the search is refused."""
    results, called = list[int](), list[int]()

    async def hook(call: int) -> None:
        called.append(call)
        raise error

    background = background_of(HookedModel(hook))
    assert background.take(course_of(2), lambda: True, noting(results))
    await eventually(lambda: bool(results))
    assert ([-1], [1]) == (results, called)


async def test_it_ends_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that hangs doesn't keep the place for ever."""
    monkeypatch.setattr(module, "AT_MOST_S", 0.02)
    model, given_up = SlowModel(), ended(GIVEN_UP)
    model.hold(first=1)
    assert background_of(model).take(course_of(1), lambda: True, noting([]))
    await eventually(lambda: ended(GIVEN_UP) > given_up)


async def test_a_fault_of_our_own_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It ends the search, and makes room for the next."""

    async def conclude(_: Driven[int]) -> str:
        message = "a fault"
        raise RuntimeError(message)

    background, failed, results = background_of(TinyModel()), ended("failed"), list[int]()
    assert background.take(course_of(1), lambda: True, conclude)
    await eventually(lambda: ended("failed") > failed)
    assert "a search in the background failed" in caplog.text
    assert background.take(course_of(1), lambda: True, noting(results))
    await eventually(lambda: bool(results))
