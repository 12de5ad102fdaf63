"""Driving a search: what it costs, when it is cut off, how it is closed."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.origins import WHOLE
from app.detection.search import Answers, Probe, Refused, probe_for_all
from app.gateway.searching.driving import PIXELS_AT_ONCE, Course, Driver
from app.gateway.visit import Visit
from app.ports import NOBODY, Arrival, InputSize, UpstreamTimeoutError, UpstreamUnreachableError
from tests.gateway.hooked import HookedModel, fails_from, hangs_from
from tests.tiny import SIDE, TARGET, TinyModel, clean_images, stamped

if TYPE_CHECKING:
    from app.detection.search import Images, Search
    from app.ports import Caller

IMAGES = stamped(clean_images(3, np.random.default_rng(1)))
PATIENCE_S = 10.0
VISIT = Visit(Arrival(IMAGES[0]))
LARGE = Visit(Arrival(np.zeros((SIDE * 10, SIDE * 10, 1), np.uint8)))


def labels_of(*probes: Probe) -> Search[list[int] | None]:
    """Ask *probes*; None if it is refused."""
    labels: list[int] = []
    try:
        for probe in probes:
            labels += (yield probe).labels.tolist()
    except Refused:
        return None
    return labels


async def test_the_cost_is_counted() -> None:
    """What is asked for an image is told apart from what is kept for all."""
    search = labels_of(Probe(IMAGES[:1]), probe_for_all(IMAGES), Probe(IMAGES[:2]))
    driven = await Driver(TinyModel(), PATIENCE_S).drive(search, VISIT)
    assert ([TARGET] * 6, 3, 3) == (driven.result, driven.probes, driven.shared)
    assert driven.cut_off is None


class AskedModel(TinyModel):
    """Keeps for whom it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.callers: list[Caller] = []

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer *images*."""
        self.callers.append(caller)
        return await super().answer(images, caller)


async def test_what_is_kept_for_all_is_asked_with_nothing_of_a_caller() -> None:
    """No number and no form of a caller's tensor is in it, also in the background."""
    model = AskedModel()
    own = Probe(IMAGES[:1], origins=[WHOLE])
    search = labels_of(own, probe_for_all(IMAGES), own)
    course = Course(search, VISIT)

    async def answers(probe: Probe, caller: Caller) -> Answers:
        course.background = not probe.own
        return await model.answer(probe.images, caller)

    await Driver(model, PATIENCE_S).finish(course, answers)
    assert [VISIT.arrival, None, VISIT.arrival] == [caller.arrival for caller in model.callers]
    assert [[WHOLE], (), [WHOLE]] == [caller.origins for caller in model.callers]


async def test_both_parts_of_a_probe_are_asked_at_the_same_time() -> None:
    """Neither waits for the other, each is asked for whom it is, and both are counted."""
    both = asyncio.Barrier(2)

    class Meeting(AskedModel):
        async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
            answers = await super().answer(images, caller)
            await both.wait()
            return answers

    model = Meeting()
    mixed = Probe(IMAGES, 1, origins=[WHOLE, WHOLE])
    driven = await Driver(model, PATIENCE_S).drive(labels_of(mixed), VISIT)
    assert ([TARGET] * 3, 2, 1) == (driven.result, driven.probes, driven.shared)
    assert [VISIT.arrival, None] == [caller.arrival for caller in model.callers]
    assert [[WHOLE, WHOLE], ()] == [caller.origins for caller in model.callers]


@pytest.mark.parametrize("fails", ["own", "for all"])
async def test_a_part_that_fails_refuses_and_the_other_is_given_up(fails: str) -> None:
    """Whichever it is: nothing goes on asking behind a search that has ended."""
    given_up, never = asyncio.Event(), asyncio.Event()  # held: what nobody knows of ends by itself

    class Half(TinyModel):
        async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
            if len(images) == len(IMAGES):
                return await super().answer(images, caller)
            if (caller.arrival is None) == (fails == "for all"):
                message = "broke"
                raise UpstreamUnreachableError(message)
            try:
                return await never.wait()  # type: ignore[return-value]
            finally:
                given_up.set()

    search = labels_of(Probe(IMAGES), Probe(IMAGES[:2], 1, origins=[WHOLE]))
    driven = await Driver(Half(), PATIENCE_S).drive(search, VISIT)
    assert (None, 3, 0) == (driven.result, driven.probes, driven.shared)
    assert isinstance(driven.cut_off, UpstreamUnreachableError)
    async with asyncio.timeout(PATIENCE_S):
        await given_up.wait()
    assert not never.is_set()


async def test_a_failure_of_the_first_probe_is_raised() -> None:
    """Without an answer for the image itself there is nothing to conclude from."""
    search = labels_of(Probe(IMAGES))
    with pytest.raises(UpstreamUnreachableError, match="broke"):
        await Driver(HookedModel(fails_from(1)), PATIENCE_S).drive(search, VISIT)
    assert [] == list(search), "it is closed"


async def test_a_later_failure_refuses() -> None:
    """The search concludes from what it knows, and why it was cut off is told."""
    search = labels_of(Probe(IMAGES), Probe(IMAGES))
    driven = await Driver(HookedModel(fails_from(2)), PATIENCE_S).drive(search, VISIT)
    assert (None, 3) == (driven.result, driven.probes)
    assert isinstance(driven.cut_off, UpstreamUnreachableError)


async def test_patience_ends() -> None:
    """A search whose answers don't come in time is refused, with the setting's name."""
    search = labels_of(Probe(IMAGES), Probe(IMAGES))
    driven = await Driver(HookedModel(hangs_from(2)), 0.05).drive(search, VISIT)
    assert driven.result is None
    assert "NEO_PATIENCE (0.05 s)" in str(driven.cut_off)


async def test_patience_is_for_the_whole_request() -> None:
    """Answers that are each in time are still too late together."""

    async def dawdle(_: int) -> None:
        await asyncio.sleep(0.06)

    driven = await Driver(HookedModel(dawdle), 0.2).drive(labels_of(*[Probe(IMAGES)] * 9), VISIT)
    assert driven.result is None
    assert isinstance(driven.cut_off, UpstreamTimeoutError)


async def test_an_image_that_is_not_answered_in_time_is_an_error() -> None:
    """A model that says nothing at all leaves nothing to answer with."""
    with pytest.raises(UpstreamTimeoutError, match="NEO_PATIENCE"):
        await Driver(HookedModel(hangs_from(1)), 0.05).drive(labels_of(Probe(IMAGES)), VISIT)


async def test_a_cancelled_request_closes_its_search() -> None:
    """When the request is cancelled its search ends there and then."""
    waiting, closed = asyncio.Event(), False

    async def hang(_: int) -> None:
        waiting.set()
        await asyncio.Event().wait()

    def search() -> Search[None]:
        nonlocal closed
        try:
            yield Probe(IMAGES)
        finally:
            closed = True

    task = asyncio.create_task(Driver(HookedModel(hang), PATIENCE_S).drive(search(), VISIT))
    await waiting.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert closed


class LargeModel:
    """Says if images are bright; they are too large to be worked on in the event loop."""

    size = InputSize(SIDE * 10, SIDE * 10, 1)

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
        """Answer *images*."""
        return Answers((images.mean(axis=(1, 2, 3)) > 128).astype(np.int64))

    async def check(self) -> None:
        """Be there."""


def threads(images: Images) -> Search[tuple[list[int], set[int]]]:
    """Ask for each of *images*; return the labels, and in which threads the search was."""
    labels, seen = [], {threading.get_ident()}
    for image in images:
        labels += (yield Probe(image[None])).labels.tolist()
        seen.add(threading.get_ident())
    return labels, seen


async def test_large_images_are_worked_on_in_a_thread() -> None:
    """From the first step to the last the event loop is free, and the result is the same."""
    assert LargeModel.size.height * LargeModel.size.width > PIXELS_AT_ONCE
    images = np.stack([np.full((160, 160, 1), level, np.uint8) for level in (0, 255, 0)])
    driven = await Driver(LargeModel(), PATIENCE_S).drive(threads(images), LARGE)
    labels, seen = driven.result
    assert [0, 1, 0] == labels
    assert threading.get_ident() not in seen


async def test_small_images_are_worked_on_at_once() -> None:
    """Nothing is handed to a thread where that would cost more than the work."""
    driven = await Driver(TinyModel(), PATIENCE_S).drive(threads(IMAGES), VISIT)
    assert ([TARGET] * 3, {threading.get_ident()}) == driven.result


async def test_a_request_cancelled_in_its_thread_ends_quietly() -> None:
    """A step that runs in its thread is let run, and its search is not closed under it."""
    inside, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def search() -> Search[None]:
        try:
            inside.set()
            assert go_on.wait(10)
            yield Probe(np.zeros((1, 160, 160, 1), np.uint8))
        finally:
            ended.set()

    task = asyncio.create_task(Driver(LargeModel(), PATIENCE_S).drive(search(), LARGE))
    assert await asyncio.to_thread(inside.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ended.is_set()
    go_on.set()
    assert await asyncio.to_thread(ended.wait, 10)
