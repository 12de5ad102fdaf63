"""Searches that go on when their callers have been answered, so that the next image is recognised.

A discovery on a slow or busy model may take longer than its caller's patience. It is paid for by
then, and what it would find everybody needs. So it goes on: one search a worker, as the last in
every queue, for `AT_MOST_S`, and no longer than the worker takes requests. It pays what it would
have paid in time, from its caller's bucket and the one for all, but waits while they are empty.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from app import metrics
from app.deadlines import until
from app.detection.search import refuse
from app.ports import UpstreamAnswerError, UpstreamError, UpstreamStatusError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.detection.search import Answers, Probe
    from app.gateway.admission.rates import Account
    from app.gateway.searching.driving import Course, Driven, Driver
    from app.ports import Caller, Model

T = TypeVar("T")

logger = logging.getLogger(__name__)

AT_MOST_S: Final = 600.0
"""A discovery's 350 images take 70 s of a model that needs 200 ms for each, if it has no other."""

AGAIN_S: Final = 5.0
"""How long a model is left alone that was too busy to answer, if nobody says how long."""

AGAIN_AT_LEAST_S, AGAIN_AT_MOST_S = 1.0, 30.0
"""The same, whatever the model's Retry-After says, or the circuit breaker's."""

OVERLOADED: Final = frozenset({429, 503})

GIVEN_UP: Final = "given-up"
"""How a search ended that was cut off: by its time, by a more urgent one, by the worker's end."""


FAILED: Final = "failed"
"""The same, by a fault of the gateway's own; the log has it."""


@dataclass(frozen=True, eq=False)
class _Place:
    """The place of the search that goes on, and whether it is on the track of something."""

    task: asyncio.Task[str]
    suspicious: Callable[[], bool]


class Background:
    """One search at a time, asked of *model* and driven by *driver*."""

    def __init__(self, model: Model, driver: Driver) -> None:
        self._model = model
        self._driver = driver
        self._place: _Place | None = None
        self._tasks: set[asyncio.Task[str]] = set()
        self._ended = False

    def take(
        self,
        course: Course[T],
        suspicious: Callable[[], bool],
        conclude: Callable[[Driven[T]], Awaitable[str]],
    ) -> bool:
        """Go on with *course* if there is room, and say so; *conclude* names what came of it.

        One that is *suspicious* takes the place of one that isn't: most of these are clean images.
        """
        if self._ended:
            return False
        if self._place is not None:
            if self._place.suspicious() or not suspicious():
                return False
            self._place.task.cancel()
        course.background = True
        metrics.BACKGROUND_BEGUN.inc()
        task = asyncio.create_task(self._finish(course, conclude))
        self._place = _Place(task, suspicious)
        self._tasks.add(task)
        before = course.probes + course.shared
        task.add_done_callback(lambda task: self._finished(task, course, before))
        return True

    def end(self) -> None:
        """End what goes on, and take no more."""
        self._ended = True
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """End what goes on, and wait until it has ended."""
        self.end()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _finished(self, task: asyncio.Task[str], course: Course[T], before: int) -> None:
        self._tasks.discard(task)
        if self._place is not None and self._place.task is task:
            self._place = None
        course.close()
        outcome = GIVEN_UP if task.cancelled() else task.result()
        metrics.BACKGROUND_ENDED.labels(outcome).inc()
        metrics.BACKGROUND_PROBES.inc(course.probes + course.shared - before)

    async def _finish(
        self, course: Course[T], conclude: Callable[[Driven[T]], Awaitable[str]]
    ) -> str:
        try:
            return await conclude(await self._driven(course))
        except TimeoutError:
            return GIVEN_UP
        except Exception:  # a fault of ours must not end unheard
            logger.exception("a search in the background failed")
            return FAILED

    async def _driven(self, course: Course[T]) -> Driven[T]:
        """Drive *course* to its end. Raises TimeoutError after `AT_MOST_S`."""
        answers, loop = partial(self._answers, course.visit.pay), asyncio.get_running_loop()
        try:
            with until(loop.time() + AT_MOST_S, loop):
                return course.driven(await self._driver.finish(course, answers))
        except UpstreamError as exc:
            return course.driven(refuse(course.search), exc)

    async def _answers(self, account: Account, probe: Probe, caller: Caller) -> Answers:
        """Ask *probe* when *account* has something in it, again while the model is busy."""
        while True:
            try:
                return await self._asked(account, probe, caller)
            except UpstreamError as exc:
                if not _may_pass(exc):
                    raise
                pause_s = AGAIN_S if exc.retry_after_s is None else exc.retry_after_s
            await asyncio.sleep(min(max(pause_s, AGAIN_AT_LEAST_S), AGAIN_AT_MOST_S))

    async def _asked(self, account: Account, probe: Probe, caller: Caller) -> Answers:
        # Once: others may have overdrawn it meanwhile, but whoever lets everybody pass never ends.
        await asyncio.sleep(account.missing_s())
        account(len(probe))
        return await self._model.answer(probe.images, caller)


def _may_pass(error: UpstreamError) -> bool:
    """Say if *error* is of a model that is out of reach or busy, not of what it was asked."""
    match error:
        case UpstreamStatusError(status=status):
            return status in OVERLOADED
        case UpstreamAnswerError():
            return False
        case _:
            return True
