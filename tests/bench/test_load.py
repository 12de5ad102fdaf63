"""A load of many clients."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from app.bench.load import Reply, joined, load


class Answering:
    """A client that notes what is asked, and waits so many turns of the loop."""

    def __init__(self, asked: list[int], turns: int = 1) -> None:
        self.asked = asked
        self._turns = turns

    async def ask(self, number: int) -> Reply:
        """Answer with the image's number."""
        self.asked.append(number)
        for _ in range(self._turns):
            await asyncio.sleep(0)
        return Reply(number)


async def test_every_request_is_sent_once() -> None:
    """Images are sent in turn, by whichever client is free; a slow client holds up no other."""
    quick: list[int] = []
    slow: list[int] = []
    done = await load([Answering(quick), Answering(slow, turns=1000)], images=4, requests=10)
    assert {0: 3, 1: 3, 2: 2, 3: 2} == Counter(quick + slow)
    assert (9, 1) == (len(quick), len(slow))
    assert sorted(quick + slow) == sorted(reply.inferences for reply in done.replies)
    assert 10 == len(done.latencies)


async def test_an_error_ends_all_clients() -> None:
    """After one client's error no other client sends anything."""

    class Failing(Answering):
        async def ask(self, number: int) -> Reply:
            await super().ask(number)
            raise ConnectionError

    asked: list[int] = []
    with pytest.raises(ConnectionError):
        await load([Failing([]), Answering(asked)], images=4, requests=100_000)
    sent = len(asked)
    await asyncio.sleep(0.01)
    assert sent == len(asked) < 100_000


async def test_loads_are_joined() -> None:
    """The rate of joined loads is over the time of all of them."""
    one, two = [await load([Answering([])], images=2, requests=n) for n in (2, 3)]
    both = joined([one, two])
    assert one.replies + two.replies == both.replies
    assert both.rate == pytest.approx(5 / (one.seconds + two.seconds))
    assert both.milliseconds(100) == max(one.milliseconds(100), two.milliseconds(100))
