"""Long searches take turns; short ones don't wait for them."""

from __future__ import annotations

import asyncio

import pytest

from app.gateway.admission.turns import Turns
from app.ports import LONG, Caller

SHORT, LONG_ONE, BEHIND = Caller(LONG - 1), Caller(LONG), Caller(behind=True)


async def test_short_searches_do_not_wait() -> None:
    """While a long search is at its step, any number of short ones are at theirs."""
    turns, order = Turns(), []
    async with turns.turn(LONG_ONE), turns.turn(SHORT), turns.turn(SHORT):
        order.append("both")
    assert ["both"] == order


async def test_long_searches_go_one_by_one() -> None:
    """Two long searches are never at a step at the same time, and each has its turn."""
    turns, at_once, most, done = Turns(), 0, 0, []

    async def step(number: int) -> None:
        nonlocal at_once, most
        async with turns.turn(LONG_ONE):
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1
            done.append(number)

    async with asyncio.timeout(10):
        await asyncio.gather(*[step(number) for number in range(5)])
    assert (1, [0, 1, 2, 3, 4]) == (most, done)


async def test_pause_is_for_others() -> None:
    """After a long step the next one waits for a while, in which short ones go."""
    turns, order = Turns(), []

    async def long(name: str) -> None:
        async with turns.turn(LONG_ONE):
            order.append(name)

    async with turns.turn(LONG_ONE):
        waiting = asyncio.create_task(long("long"))
        await asyncio.sleep(0.01)  # the step: it is the pause's measure
    async with turns.turn(SHORT):
        order.append("short")
    await asyncio.wait_for(waiting, 10)
    assert ["short", "long"] == order


async def test_what_goes_on_behind_an_answer_pauses_only_for_who_waits() -> None:
    """Its steps go one by one; the next one begins at once, or later if callers are waited for."""
    turns, order = Turns(pause=1000), []

    async def behind(name: str) -> None:
        async with turns.turn(BEHIND):
            order.append(name)

    async with turns.turn(BEHIND):
        first = asyncio.create_task(behind("first"))
        await asyncio.sleep(0.05)
        assert [] == order
    await asyncio.wait_for(first, 10)
    async with turns.turn(BEHIND):
        turns.waited = 1
        await asyncio.sleep(0.05)
    second = asyncio.create_task(behind("second"))
    await asyncio.wait([second], timeout=0.05)
    assert ["first"] == order
    second.cancel()


async def test_step_that_fails_ends_its_turn() -> None:
    """An error in a step, or its cancellation, doesn't keep the others waiting for ever."""
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns.turn(LONG_ONE):
            _ = 1 / 0
    async with asyncio.timeout(10), turns.turn(LONG_ONE):
        pass
