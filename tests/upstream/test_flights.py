"""A batch of several callers that a server takes only in part."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.search import Answers
from app.ports import (
    NOBODY,
    Caller,
    UpstreamAnswerError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)
from app.upstream.capacity import Capacity
from app.upstream.flights import Flight
from app.wire.trace import Trace

if TYPE_CHECKING:
    import pytest
    from numpy.typing import NDArray


@dataclass(eq=False)
class Asked:
    """What one caller wants answered: numbers."""

    batch: NDArray[Any]
    answers: asyncio.Future[Answers]
    caller: Caller = NOBODY

    @property
    def outcome(self) -> list[int] | str:
        """The labels, or the class of the error."""
        error = self.answers.exception()
        return type(error).__name__ if error else self.answers.result().labels.tolist()


def parts(*numbers: list[int]) -> list[Asked]:
    """Make a part of each list."""
    loop = asyncio.get_running_loop()
    return [Asked(np.array(one), loop.create_future()) for one in numbers]


@dataclass
class Server:
    """Answers each number with itself; takes ``cap`` at once, and fails on ``odd`` ones."""

    cap: int
    odd: dict[int, Exception]
    sizes: list[int]
    traces: list[Trace | None] = field(default_factory=list)

    async def ask(self, batch: NDArray[Any], trace: Trace | None) -> Answers:
        """Answer *batch*."""
        self.sizes.append(len(batch))
        self.traces.append(trace)
        await asyncio.sleep(0)
        if len(batch) > self.cap:
            raise UpstreamStatusError(400, "too many")
        for number in batch.tolist():
            if number in self.odd:
                raise self.odd[number]
        return Answers(batch)


async def test_callers_share_smaller_requests() -> None:
    """A part may be cut where the requests end, and each caller gets its own answers."""
    server, capacity = Server(4, {}, []), Capacity(64)
    aboard = parts([1, 2, 3], [4, 5], [6, 7])
    await Flight(aboard, server.ask, capacity).land()
    assert [[1, 2, 3], [4, 5], [6, 7]] == [part.outcome for part in aboard]
    assert ([7, 4, 3], 4) == (server.sizes, capacity.most)


async def test_a_request_has_the_trace_of_a_single_caller() -> None:
    """Images of two callers have none in common; those of one, asked alone, have theirs."""
    mine, yours = (Trace(f"00-{digit * 32}-{digit * 16}-01", "") for digit in "12")
    server, capacity = Server(2, {}, []), Capacity(64)
    aboard = parts([1], [2, 3], [4], [5])
    for part, trace in zip(aboard, (mine, mine, yours, None), strict=True):
        part.caller = Caller(trace=trace)
    await Flight(aboard, server.ask, capacity).land()
    assert [None, mine, mine, None, None] == server.traces
    assert [5, 3, 2, 2, 1] == server.sizes


async def test_nobody_pays_for_anothers_image() -> None:
    """What one caller's image alone is refused for is its error, and teaches nothing."""
    server, capacity = Server(64, {5: UpstreamStatusError(400, "odd")}, []), Capacity(64)
    aboard = parts([1, 2, 3], [4, 5], [6, 7])
    await Flight(aboard, server.ask, capacity).land()
    assert [[1, 2, 3], "UpstreamStatusError", [6, 7]] == [part.outcome for part in aboard]
    assert 64 == capacity.most


async def test_a_bad_answer_is_asked_for_caller_by_caller() -> None:
    """An answer that can't be used isn't halved: each caller's images are asked alone."""
    server = Server(64, {5: UpstreamAnswerError("nonsense")}, [])
    aboard = parts([1, 2, 3], [4, 5], [6, 7])
    await Flight(aboard, server.ask, Capacity(64)).land()
    assert [[1, 2, 3], "UpstreamAnswerError", [6, 7]] == [part.outcome for part in aboard]
    assert [7, 3, 2, 2] == server.sizes


async def test_a_server_that_is_away_ends_all() -> None:
    """What is of the server's state fails all at once, in the middle of smaller requests too."""
    server, capacity = Server(2, {3: UpstreamTimeoutError("late")}, []), Capacity(64)
    aboard = parts([1, 2], [3, 4])
    await Flight(aboard, server.ask, capacity).land()
    assert [[1, 2], "UpstreamTimeoutError"] == [part.outcome for part in aboard]
    assert ([4, 2, 2], 64) == (server.sizes, capacity.most)


async def test_the_log_says_why_without_the_servers_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also of what opens no circuit breaker; what a smaller request mends is no trouble."""
    server, capacity = Server(2, {3: UpstreamStatusError(500, "secret")}, []), Capacity(64)
    await Flight(parts([1, 2, 4, 5]), server.ask, capacity).land()
    assert [] == [line for line in caplog.messages if "no answer" in line]
    await Flight(parts([3]), server.ask, capacity).land()
    (said,) = [line for line in caplog.messages if "no answer" in line]
    assert said.startswith("the model server gave no answer: the upstream answered 500")
    assert "secret" not in said


async def test_who_has_gone_is_not_asked_for() -> None:
    """A caller that went meanwhile is left out, and what is left over proves no size."""
    server, capacity = Server(2, {}, []), Capacity(64)
    aboard = parts([1, 2], [3])

    async def ask(batch: NDArray[Any], trace: Trace | None) -> Answers:
        aboard[0].answers.cancel()
        return await server.ask(batch, trace)

    await Flight(aboard, ask, capacity).land()
    assert [3] == aboard[1].outcome
    assert ([3, 1], 64) == (server.sizes, capacity.most)


async def test_many_at_once_learn_once() -> None:
    """Of batches that are refused at the same time one finds out what is taken, for all."""
    server, capacity = Server(4, {}, []), Capacity(64)
    aboard = [parts([*range(64)]) for _ in range(3)]
    flights = [Flight(parts, server.ask, capacity) for parts in aboard]
    await asyncio.gather(*[flight.land() for flight in flights])
    assert [[*range(64)]] * 3 == [part.outcome for (part,) in aboard]
    assert 3 + 3 == len([size for size in server.sizes if size > 4])
