"""A wait ends at its deadline, and only what waits within it."""

from __future__ import annotations

import asyncio

import pytest

from app import deadlines


async def forever() -> None:
    """Wait for what never comes."""
    await asyncio.Event().wait()


def now() -> float:
    """Return the time of the running loop."""
    return asyncio.get_running_loop().time()


def until(deadline: float) -> deadlines.until:
    """Return the block that ends at *deadline*, by the running loop."""
    return deadlines.until(deadline, asyncio.get_running_loop())


def cancelling() -> int:
    """Return how often the current task is being cancelled."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


@pytest.mark.parametrize("in_s", [0.01, 0.0, -1.0])
async def test_wait_ends_at_the_deadline(in_s: float) -> None:
    """Also where that is past already; the task itself goes on."""
    with pytest.raises(TimeoutError), until(now() + in_s):
        await forever()
    assert 0 == cancelling()


async def test_what_is_done_in_time_is_left_alone() -> None:
    """Nothing is cancelled after the block."""
    with until(now() + 0.01):
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)
    assert 0 == cancelling()


async def test_other_errors_stay_what_they_are() -> None:
    """A block that fails as its time ends says why it failed, and nothing is left behind."""

    async def failing() -> None:
        try:
            await forever()
        finally:
            raise KeyError

    with pytest.raises(KeyError), until(now()):
        await failing()
    assert 0 == cancelling()


async def test_cancellation_stays_one() -> None:
    """A task that somebody cancels is cancelled, before its deadline and at it."""

    async def waiting() -> None:
        with until(now() + 60):
            await forever()

    async def ending() -> None:
        with until(now()):
            asyncio.get_running_loop().call_soon(tasks[1].cancel)
            await forever()

    tasks = [asyncio.create_task(waiting()), asyncio.create_task(ending())]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.wait(tasks)
    assert [True, True] == [task.cancelled() for task in tasks]


@pytest.mark.parametrize("outer_first", [True, False])
async def test_deadlines_within_one_another(*, outer_first: bool) -> None:
    """The error is that of the block whose time is over."""
    outer, inner = (now(), now() + 60) if outer_first else (now() + 60, now())
    seen = []
    try:
        with until(outer):
            try:
                with until(inner):
                    await forever()
            except TimeoutError:
                seen.append("inner")
    except TimeoutError:
        seen.append("outer")
    assert ["outer" if outer_first else "inner"] == seen
