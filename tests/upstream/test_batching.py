"""Concurrent calls share batches: whose turn it is, and what becomes of a batch that fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app import metrics
from app.detection.search import Answers
from app.ports import (
    BACKGROUND,
    Caller,
    UpstreamAnswerError,
    UpstreamBusyError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)
from app.upstream import batching
from app.upstream.batching import Batcher
from app.upstream.capacity import Capacity
from app.upstream.parts import joined, split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.wire.trace import Trace

ITEMS = np.arange(10, dtype=np.uint8).reshape(10, 1)


class Server:
    """Answers each item with its own number, when it is let; keeps what came in ``batches``."""

    def __init__(self, slots: int = 1, most_waiting: float = 1000) -> None:
        self.batches: list[list[int]] = []
        self.failures: dict[int, Exception] = {}
        self.abandoned: list[int] = []
        self._gate = asyncio.Semaphore(0)
        self._arrived = asyncio.Semaphore(0)
        self.batcher = Batcher(self._ask, slots, most_waiting)

    async def _ask(self, key: str, batch: NDArray[Any], _: Trace | None) -> Answers:
        numbers = batch.reshape(-1).tolist()
        self.batches.append(numbers)
        self._arrived.release()
        try:
            await self._gate.acquire()
        except asyncio.CancelledError:
            self.abandoned += numbers
            raise
        for number in numbers:
            if number in self.failures:
                raise self.failures[number]
        assert key
        return Answers(np.array(numbers), None, None, {"y": batch})

    def let(self, requests: int = 1) -> None:
        """Answer so many requests more."""
        for _ in range(requests):
            self._gate.release()

    async def arrived(self, requests: int = 1) -> None:
        """Wait until so many requests more have come."""
        for _ in range(requests):
            await asyncio.wait_for(self._arrived.acquire(), 10)

    def ask(
        self, *numbers: int, spent: int = 0, most: int = 4, key: str = "k"
    ) -> asyncio.Task[list[int]]:
        """Start a call for *numbers*."""

        async def call() -> list[int]:
            batch = np.array(numbers).reshape(-1, 1)
            answers = await self.batcher.answer(key, batch, Capacity(most), Caller(spent))
            np.testing.assert_array_equal(batch, answers.outputs["y"])
            labels: list[int] = answers.labels.tolist()
            return labels

        return asyncio.create_task(call())


def test_split() -> None:
    """Parts are filled from the front, so that the first images travel together."""
    assert [4, 4, 2] == [len(part) for part in split(ITEMS, 4)]
    np.testing.assert_array_equal(np.concatenate(split(ITEMS, 3)), ITEMS)


async def test_idle_upstream_is_asked_at_once() -> None:
    """While a slot is free nothing waits: a second call goes out beside the first."""
    server = Server(slots=2)
    first = server.ask(1)
    await server.arrived()
    second = server.ask(2)
    await server.arrived()
    assert [[1], [2]] == server.batches
    server.let(2)
    assert ([1], [2]) == (await first, await second)


async def test_what_comes_together_goes_together() -> None:
    """Calls that arrive in one turn of the event loop share a request, idle slots or not."""
    server = Server(slots=2)
    calls = [server.ask(number) for number in (1, 2, 3)]
    server.let()
    assert [[1], [2], [3]] == await asyncio.gather(*calls)
    assert [[1, 2, 3]] == server.batches


async def test_what_waits_is_coalesced() -> None:
    """While all slots are busy calls are collected, and each gets its own answers."""
    server = Server()
    first = server.ask(1)
    await server.arrived()
    calls = [server.ask(2, 3), server.ask(4), server.ask(5, 6)]
    server.let(3)
    assert [[2, 3], [4], [5, 6]] == await asyncio.gather(*calls)
    assert [1] == await first
    assert [[1], [2, 3, 4], [5, 6]] == server.batches


async def test_who_has_asked_least_goes_first() -> None:
    """A client's own image goes before the later probes of others, whenever those came."""
    server = Server()
    calls = [server.ask(1)]
    await server.arrived()
    calls += [server.ask(2, 3, 4, spent=50), server.ask(5, 6, spent=24), server.ask(7, 8)]
    server.let(3)
    await asyncio.gather(*calls)
    assert [[1], [7, 8, 5, 6], [2, 3, 4]] == server.batches


async def test_long_searches_keep_to_themselves() -> None:
    """Probes of a long search don't make a short one's batch larger, though there is room."""
    server = Server()
    calls = [server.ask(1)]
    await server.arrived()
    calls += [server.ask(2, spent=300), server.ask(3), server.ask(4, spent=70)]
    server.let(3)
    await asyncio.gather(*calls)
    assert [[1], [3], [4, 2]] == server.batches


async def test_the_background_goes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody waits for lets everybody pass; once it is overdue it goes first."""
    server = Server()
    calls = [server.ask(1)]
    await server.arrived()
    calls += [server.ask(n, spent=BACKGROUND.spent, most=1) for n in (2, 3)]
    calls += [server.ask(4), server.ask(5, spent=300, key="long"), server.ask(6, key="other")]
    server.let()
    await server.arrived()
    assert [[1], [4]] == server.batches
    monkeypatch.setattr(batching, "OVERDUE_S", 0.0)
    server.let(5)
    await asyncio.gather(*calls)
    assert [[1], [4], [2], [3], [6], [5]] == server.batches


async def test_slots_are_kept_for_short_searches() -> None:
    """While short searches come, long ones have a quarter of the slots."""
    server = Server(slots=4)
    calls = [server.ask(1)]
    await server.arrived()
    calls += [server.ask(number, spent=300, key=f"k{number}") for number in (2, 3, 4)]
    await server.arrived()
    calls.append(server.ask(5))
    await server.arrived()
    assert [[1], [2], [5]] == server.batches
    server.let(5)
    assert [[1], [2], [3], [4], [5]] == await asyncio.gather(*calls)


async def test_long_searches_alone_have_all_slots() -> None:
    """Where nothing else is asked, a calibration is as fast as the upstream."""
    server = Server(slots=4)
    calls = [server.ask(number, spent=300, key=f"k{number}") for number in (1, 2, 3, 4, 5)]
    await server.arrived(4)
    server.let(5)
    assert [[1], [2], [3], [4], [5]] == await asyncio.gather(*calls)


async def test_own_image_goes_before_probes_of_one_image_a_request() -> None:
    """Where requests have one image each, a new caller's first one overtakes waiting probes."""
    server = Server()
    calls = [server.ask(1, 2, 3, most=1)]
    await server.arrived()
    calls.append(server.ask(4, 5, most=1))
    server.let(5)
    await asyncio.gather(*calls)
    assert [[1], [4], [2], [5], [3]] == server.batches


async def test_tensors_of_other_forms_are_not_mixed() -> None:
    """Only tensors of one form share a request."""
    server = Server()
    calls = [server.ask(1)]
    await server.arrived()
    calls += [server.ask(2, key="a"), server.ask(3, key="b"), server.ask(4, key="a")]
    server.let(3)
    await asyncio.gather(*calls)
    assert [[1], [2, 4], [3]] == server.batches


@pytest.mark.parametrize("most", [1, 3, 10, 64])
async def test_order(most: int) -> None:
    """Large calls go in parts, and their answers come back in the order of the images."""
    server = Server(slots=8)
    server.let(10)
    assert list(range(10)) == await server.ask(*range(10), most=most)


async def test_nobody_pays_for_anothers_image() -> None:
    """A shared request that fails by its content is repeated, in the end image by image."""
    server = Server()
    server.failures[3] = UpstreamStatusError(500, "an odd image")
    calls = [server.ask(1)]
    await server.arrived()
    calls += [server.ask(2), server.ask(3), server.ask(4)]
    server.let(6)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert ([1], [2], [4]) == (results[0], results[1], results[3])
    assert isinstance(results[2], UpstreamStatusError)
    assert [[1], [2, 3, 4], [2, 3], [2], [3], [4]] == server.batches


async def test_what_waits_is_told() -> None:
    """Prometheus hears how many images wait for a slot, and when those who asked have gone."""
    server = Server()
    calls = [server.ask(1)]
    await server.arrived()
    calls += [server.ask(2, 3), server.ask(4, key="b")]
    await asyncio.sleep(0)
    assert 3 == metrics.UPSTREAM_WAITING._value.get()  # noqa: SLF001
    calls[1].cancel()
    await asyncio.wait([calls[1]])
    assert 1 == metrics.UPSTREAM_WAITING._value.get()  # noqa: SLF001
    server.let(2)
    assert [[1], [4]] == [await calls[0], await calls[2]]
    assert 0 == metrics.UPSTREAM_WAITING._value.get()  # noqa: SLF001


@pytest.mark.parametrize(
    "failure", [UpstreamTimeoutError("late"), UpstreamStatusError(503, "full")]
)
async def test_overload_is_not_made_worse(failure: Exception) -> None:
    """A time-out or a server that is full fails all at once: nothing is asked again."""
    server = Server()
    server.failures[3] = failure
    calls = [server.ask(number) for number in (2, 3, 4)]
    server.let(5)
    assert [failure] * 3 == await asyncio.gather(*calls, return_exceptions=True)
    assert [[2, 3, 4]] == server.batches


async def test_one_part_fails() -> None:
    """If one part of a call fails its error comes out, and what waits of the call isn't asked."""
    server = Server()
    server.failures[4] = UpstreamTimeoutError("late")
    server.let(2)
    with pytest.raises(UpstreamTimeoutError, match="late"):
        await server.ask(*range(10), most=3)
    assert [[0, 1, 2], [3, 4, 5]] == server.batches[:2]
    asked = {number for batch in server.batches for number in batch}
    assert 9 not in asked


async def test_full_queue_takes_nobody_new() -> None:
    """Beyond its bound new callers are refused at once, and those that have begun go on."""
    server = Server(most_waiting=4)
    calls = [server.ask(1)]
    await server.arrived()
    calls += [server.ask(2, 3), server.ask(4, 5)]
    await asyncio.sleep(0)
    with pytest.raises(UpstreamBusyError, match="4 images wait"):
        await server.ask(6)
    calls.append(server.ask(7, spent=24))
    server.let(3)
    assert [[1], [2, 3], [4, 5], [7]] == await asyncio.gather(*calls)
    server.let()
    assert [6] == await server.ask(6)


async def test_abandoned_call_is_not_asked() -> None:
    """A call that nobody waits for any more leaves the queue."""
    server = Server()
    first, second, third = server.ask(1), server.ask(2, key="b"), server.ask(3, key="c")
    await server.arrived()
    second.cancel()
    server.let(2)
    await asyncio.wait([first, second, third])
    assert [[1], [3]] == server.batches


async def test_abandoned_request_keeps_its_slot() -> None:
    """What was sent holds its slot until it is answered, though nobody waits for it any more.

    Else callers who come and go would have the upstream work on more than it is to.
    """
    server = Server()
    gone = server.ask(1)
    await server.arrived()
    gone.cancel()
    await asyncio.wait([gone])
    later = server.ask(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [[1]] == server.batches
    server.let(2)
    assert [2] == await later
    assert [] == server.abandoned


async def test_defect_is_raised_where_it_is_waited_for() -> None:
    """An error that no server makes reaches the callers: nobody waits for ever."""
    server = Server()
    server.failures[2] = ZeroDivisionError()
    calls = [server.ask(1), server.ask(2)]
    server.let()
    results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
    assert [ZeroDivisionError] * 2 == [type(result) for result in results]


async def test_closed_with_requests_under_way() -> None:
    """Closing ends what is under way, and whoever still waits for it hears so."""
    server = Server()
    calls = [server.ask(1)]
    await server.arrived()
    calls.append(server.ask(2))
    await asyncio.sleep(0)
    await server.batcher.close()
    results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
    assert [asyncio.CancelledError] * 2 == [type(result) for result in results]
    assert ([[1]], [1]) == (server.batches, server.abandoned)


async def test_answers_that_are_not_as_many() -> None:
    """As many answers as images, or none is dealt out."""

    async def ask(_: str, batch: NDArray[Any], __: Trace | None) -> Answers:
        return Answers(np.zeros(len(batch) + 1, np.int64))

    with pytest.raises(UpstreamAnswerError, match="3 answers to 2 images"):
        await Batcher(ask, 1).answer("k", ITEMS[:2], Capacity(4))


@pytest.mark.parametrize(
    "parts",
    [
        [Answers(np.array([1]), np.ones((1, 2), np.float32)), Answers(np.array([1]))],
        [Answers(np.array([1]), np.ones((1, n), np.float32)) for n in (2, 3)],
        [Answers(np.array([1]), outputs={name: np.ones(1)}) for name in "ab"],
    ],
)
def test_answers_of_another_kind(parts: list[Answers]) -> None:
    """Parts with other classes, or other outputs, are no answer to one call."""
    with pytest.raises(UpstreamAnswerError, match="not of one kind"):
        joined(parts)
